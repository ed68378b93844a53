import type { NamedError } from "@crlab/shared";
import styles from "./error-note.module.css";

/** A named error in full: what and why, then what to do. */
export function ErrorNote({ error }: { error: NamedError }) {
  return (
    <div className={styles.note} role="alert" data-error={error.code}>
      <p className={styles.what}>{error.message}</p>
      {error.imageOffset !== undefined && <p className="mono">image offset {error.imageOffset}</p>}
      {error.hint !== undefined && <p className={styles.hint}>{error.hint}</p>}
    </div>
  );
}
