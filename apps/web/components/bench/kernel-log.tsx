import { type ExperimentView, kernelTrouble } from "@crlab/shared";
import { withoutControls } from "../../lib/screen-text";
import { formatClock } from "../../lib/time";
import { ErrorLinks } from "./error-links";
import styles from "./inspector.module.css";

export function KernelLog({ view }: { view: ExperimentView }) {
  const trouble = kernelTrouble(view);
  const errors = view.steps.filter((s) => s.error !== null && ["checkpoint", "restore", "migrate"].includes(s.kind));
  const { notes, unknownEvents } = view;
  if (view.kernelLog.length + errors.length + notes.length + unknownEvents === 0)
    return <p className={styles.none}>The kernel has said nothing.</p>;
  return (
    <>
      {trouble.length > 0 && (
        <p className="pill failed">
          {trouble.length} {trouble.length === 1 ? "line speaks" : "lines speak"} of trouble
        </p>
      )}
      {errors.length > 0 && (
        <section className={styles.card} data-testid="errors">
          <h3>What checkpoint and restart said</h3>
          <ul className={styles.log}>
            {errors.map((step) => (
              <li key={step.stepNo}>
                step {step.stepNo}: {step.error?.message} <ErrorLinks view={view} step={step} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {notes.length + unknownEvents > 0 && (
        <section className={styles.card} data-testid="notes">
          <h3>What the lab noted</h3>
          <ul className={styles.log}>
            {notes.map(({ atMs, text }) => (
              <li key={`${atMs} ${text}`}>
                {formatClock(atMs)} {text}
              </li>
            ))}
            {unknownEvents > 0 && (
              <li>
                {unknownEvents === 1 ? "1 event of this log is" : `${unknownEvents} events of this log are`} of another
                version of the lab, and not shown
              </li>
            )}
          </ul>
        </section>
      )}
      <section className={styles.card}>
        <h3>Serial console</h3>
        <pre className={styles.log}>
          {view.kernelLog
            .map((line) => `${formatClock(line.atMs)}  ${withoutControls(line.text).trimEnd()}`)
            .join("\n")}
        </pre>
      </section>
    </>
  );
}
