import { Link } from "./link";
import { RunnerPill } from "./runner-pill";
import styles from "./site-header.module.css";
import { ThemeToggle } from "./theme-toggle";

/** The bar of every page but the bench. Other pages are fetched when one goes there: the first click is for an experiment. */
export function SiteHeader() {
  return (
    <header className={styles.header}>
      <Link href="/" className={styles.brand}>
        crlab
      </Link>
      <nav className={styles.nav} aria-label="Main">
        <Link href="/">Experiments</Link>
        <Link href="/new">New experiment</Link>
        <Link href="/sweeps">Sweeps</Link>
        <Link href="/guests">Guests</Link>
        <Link href="/figures">Figures</Link>
      </nav>
      <span className={styles.space} />
      <RunnerPill />
      <ThemeToggle />
    </header>
  );
}
