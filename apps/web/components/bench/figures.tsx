import { type ExperimentView, formatNs } from "@crlab/shared";
import styles from "./inspector.module.css";

/** The three figures one looks for first. Their place is there before they are. */
export function Figures({ view }: { view: ExperimentView }) {
  const checkpoint = view.checkpoints.at(-1);
  const restore = view.restores.at(-1);
  return (
    <dl className={styles.figures}>
      <div>
        <dt>frozen{checkpoint && `, ${checkpoint.name}`}</dt>
        <dd>{checkpoint ? formatNs(checkpoint.figures.frozenNs) : "–"}</dd>
      </div>
      <div>
        <dt>restore{restore && `, ${restore.checkpoint}`}</dt>
        <dd>{restore ? formatNs(restore.figures.totalNs) : "–"}</dd>
      </div>
      <div>
        <dt>pages written</dt>
        <dd>{checkpoint ? checkpoint.figures.pages : "–"}</dd>
      </div>
    </dl>
  );
}
