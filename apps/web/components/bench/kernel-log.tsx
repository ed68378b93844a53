import { type ExperimentView, kernelTrouble } from "@crlab/shared";
import { formatClock } from "../../lib/time";
import styles from "./inspector.module.css";

export function KernelLog({ view }: { view: ExperimentView }) {
  const trouble = kernelTrouble(view);
  if (view.kernelLog.length === 0) return <p className={styles.none}>The kernel has said nothing.</p>;
  return (
    <>
      {trouble.length > 0 && (
        <p className="pill failed">
          {trouble.length} {trouble.length === 1 ? "line speaks" : "lines speak"} of trouble
        </p>
      )}
      <section className={styles.card}>
        <pre className={styles.log}>
          {view.kernelLog.map((line) => `${formatClock(line.atMs)}  ${line.text.trimEnd()}`).join("\n")}
        </pre>
      </section>
    </>
  );
}
