"use client";
import styles from "./home.module.css";

export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className={styles.main}>
      <h1>This page failed</h1>
      <p className={styles.lead}>
        {error.message || "The console's own output says why."} {error.digest && `(reference ${error.digest})`}
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
