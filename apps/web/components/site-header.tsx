import { Link } from "./link";
import { RunnerPill } from "./runner-pill";
import styles from "./site-header.module.css";
import { ThemeToggle } from "./theme-toggle";

const pages = {
  "/": "Experiments",
  "/new": "New experiment",
  "/sweeps": "Sweeps",
  "/guests": "Guests",
  "/figures": "Figures",
};

/** The bar of every page but the bench. Other pages are fetched when one goes there: the first click is for an experiment. */
export function SiteHeader({ here }: { here?: keyof typeof pages }) {
  return (
    <header className={styles.header}>
      <Link href="/" className={styles.brand}>
        crlab
      </Link>
      <nav className={styles.nav} aria-label="Main">
        {Object.entries(pages).map(([path, name]) => (
          <Link key={path} href={path} aria-current={path === here ? "page" : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <span className={styles.space} />
      <RunnerPill />
      <ThemeToggle />
    </header>
  );
}
