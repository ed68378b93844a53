import { Link } from "./link";
import styles from "./pages.module.css";

interface Props {
  /** The list's own address, and what of it stays the same on all its pages. */
  path: string;
  query?: Readonly<Record<string, string>>;
  /** From 1. */
  page: number;
  size: number;
  total: number;
}

const say = (n: number): string => n.toLocaleString("en");

/** The part of a long list that is shown, and the ways to what is newer and older. */
export function Pages({ path, query = {}, page, size, total }: Props) {
  if (total <= size && page === 1) return null;
  const last = Math.max(1, Math.ceil(total / size));
  const to = (n: number) => {
    const parameters = new URLSearchParams({ ...query, ...(n === 1 ? {} : { page: String(n) }) }).toString();
    return parameters === "" ? path : `${path}?${parameters}`;
  };
  return (
    <nav className={styles.pages} aria-label="Pages of the list">
      {page > 1 && (
        <Link className="btn" href={to(Math.min(page - 1, last))} rel="prev">
          Newer
        </Link>
      )}
      {page <= last && (
        <span className="dim">
          {say((page - 1) * size + 1)} to {say(Math.min(page * size, total))} of {say(total)}
        </span>
      )}
      {page < last && (
        <Link className="btn" href={to(page + 1)} rel="next">
          Older
        </Link>
      )}
    </nav>
  );
}
