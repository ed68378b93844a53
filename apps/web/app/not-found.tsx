import header from "../components/site-header.module.css";
import styles from "./home.module.css";

/** Every page carries this one along: plain links, so that it brings no code with it. */
export default function NotFound() {
  return (
    <>
      <header className={header.header}>
        <a href="/" className={header.brand}>
          crlab
        </a>
      </header>
      <main className={styles.main}>
        <h1>There is no such page</h1>
        <p className={styles.lead}>
          An experiment’s link has the form /x/ and an id of 8 to 16 letters and digits; this one is not in this
          console’s database. Ask whoever sent it which console it came from.
        </p>
        <a className="btn" href="/">
          All experiments
        </a>
      </main>
    </>
  );
}
