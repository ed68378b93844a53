"use client";
import styles from "./home.module.css";

export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className={styles.main}>
      <h1>This page failed</h1>
      <p className={styles.lead}>
        {/* Of what fails on the server a page is told no more than where to look. */}
        {error.digest === undefined
          ? `${error.message || "It says no more than that."} The browser’s console may say more.`
          : `The console could not make it: its own output says why, beside ${error.digest}.`}{" "}
        Experiments go on without it.
      </p>
      <button type="button" className="btn primary" onClick={reset}>
        Try again
      </button>{" "}
      <a className="btn" href="/">
        All experiments
      </a>
    </main>
  );
}
