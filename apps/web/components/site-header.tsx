import Link from "next/link";
import { RunnerPill } from "./runner-pill";
import styles from "./site-header.module.css";
import { ThemeToggle } from "./theme-toggle";

/** The bar of every page but the bench. Other pages are fetched when one goes there: the first click is for an experiment. */
export function SiteHeader() {
  return (
    <header className={styles.header}>
      <Link prefetch={false} href="/" className={styles.brand}>
        crlab
      </Link>
      <nav className={styles.nav} aria-label="Main">
        <Link prefetch={false} href="/">
          Experiments
        </Link>
        <Link prefetch={false} href="/new">
          New experiment
        </Link>
        <Link prefetch={false} href="/sweeps">
          Sweeps
        </Link>
        <Link prefetch={false} href="/guests">
          Guests
        </Link>
        <Link prefetch={false} href="/figures">
          Figures
        </Link>
      </nav>
      <span className={styles.space} />
      <RunnerPill />
      <ThemeToggle />
    </header>
  );
}
