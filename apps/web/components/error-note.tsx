import type { NamedError } from "@crlab/shared";
import styles from "./error-note.module.css";
import { Said } from "./said";

/** A named error in full: what and why, then what to do. */
export function ErrorNote({ error, onClose = null }: { error: NamedError; onClose?: (() => void) | null }) {
  return (
    <div className={styles.note} role="alert" data-error={error.code}>
      {onClose && (
        <button type="button" className={`btn quiet ${styles.close}`} aria-label="Close this message" onClick={onClose}>
          ×
        </button>
      )}
      <p className={styles.what}>
        <Said text={error.message} />
      </p>
      {error.imageOffset !== undefined && <p className="mono">image offset {error.imageOffset}</p>}
      {error.hint !== undefined && (
        <p className={styles.hint}>
          <Said text={error.hint} />
        </p>
      )}
    </div>
  );
}
