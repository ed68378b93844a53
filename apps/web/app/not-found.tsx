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
        <nav className={header.nav} aria-label="Main">
          <a href="/">Experiments</a>
          <a href="/new">New experiment</a>
          <a href="/sweeps">Sweeps</a>
          <a href="/guests">Guests</a>
          <a href="/figures">Figures</a>
        </nav>
      </header>
      <main className={styles.main}>
        <h1>There is no such page</h1>
        <p className={styles.lead}>
          Links to experiments (/x/…) and sweeps (/s/…) work on the console that made them; this one knows nothing under
          this address. Was it cut off in a mail, or did it come from another console? Who sent it can download the
          experiment as one file, and you can take that in under <a href="/new">New experiment</a>.
        </p>
        <a className="btn" href="/">
          All experiments
        </a>
      </main>
    </>
  );
}
