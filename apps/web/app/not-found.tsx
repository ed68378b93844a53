import styles from "./home.module.css";

/** Every page carries this one along: plain links, and no header that would bring code with it. */
export default function NotFound() {
  return (
    <main className={styles.main}>
      <h1>There is no such page</h1>
      <p className={styles.lead}>
        An experiment’s link has the form /x/ and an id of 8 to 16 letters and digits; this one is not in this console’s
        database. Ask whoever sent it which console it came from.
      </p>
      <a className="btn" href="/">
        All experiments
      </a>
    </main>
  );
}
