import { describeChanges, type ExperimentView, formatBytes, formatMs, formatNs, report } from "@crlab/shared";
import { reportParts } from "../../lib/report-parts";
import { DataTable } from "../data-table";
import styles from "./inspector.module.css";

/** What is needed to run the experiment again elsewhere, its figures, and the plain-text report. */
export function ReportSheet({ view }: { view: ExperimentView }) {
  const f = view.fingerprint;
  const changes = f === null ? undefined : describeChanges(f);
  return (
    <>
      <section className={styles.card}>
        <h3>To reproduce</h3>
        {f === null ? (
          <p className={styles.none}>Known when a guest has booted.</p>
        ) : (
          <dl className={styles.list}>
            <dt>kernel</dt>
            <dd>
              {f.kernelRelease} {f.kernelVariant}, patch set {f.kernelHash.slice(0, 12)}, config{" "}
              {f.configHash.slice(0, 12)}
            </dd>
            {changes !== undefined && (
              <>
                <dt>made of</dt>
                <dd>{changes}</dd>
              </>
            )}
            <dt>image</dt>
            <dd>{f.imageHash.slice(0, 12)}</dd>
            {view.manifest?.engine === "criu" && (
              <>
                <dt>engine</dt>
                <dd>CRIU, of the image</dd>
              </>
            )}
            <dt>QEMU</dt>
            <dd>
              {f.qemuVersion}, {f.cpus} CPU, {f.memMiB} MiB
            </dd>
            <dt>accelerator</dt>
            <dd>
              {f.accel.toUpperCase()}: {f.accelReason}
            </dd>
            <dt>steps</dt>
            <dd>
              {view.steps.length}, log of {view.lastSeq} events
            </dd>
            {view.logDigest !== null && (
              <>
                <dt>log’s digest</dt>
                <dd>{view.logDigest}</dd>
              </>
            )}
          </dl>
        )}
      </section>
      <FigureTable view={view} />
      <section className={`${styles.card} ${styles.sheet}`}>
        <h3>Report</h3>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
        <pre className={styles.report} tabIndex={0}>
          {reportParts(report(view)).map(({ text, kind }, i) =>
            kind === "text" ? (
              text
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: a part is known by its place
              <span key={i} className={styles[kind]}>
                {text}
              </span>
            ),
          )}
        </pre>
      </section>
    </>
  );
}

/** What a narrow screen shows first: how long each checkpoint and restore took. The wide one has it in its other tabs. */
function FigureTable({ view }: { view: ExperimentView }) {
  if (view.checkpoints.length + view.restores.length === 0) return null;
  const msOf = (stepNo: number) => {
    const ms = view.steps.find((s) => s.stepNo === stepNo)?.ms;
    return ms === null || ms === undefined ? "–" : formatMs(ms);
  };
  const rows = [
    ...view.checkpoints.map((c) => ({
      stepNo: c.stepNo,
      what: `${c.mode === "full" ? "Full" : "Incremental"} ${c.name}`,
      frozen: formatNs(c.figures.frozenNs),
      bytes: formatBytes(c.figures.bytes),
    })),
    ...view.restores.map((r) => ({ stepNo: r.stepNo, what: `Restore ${r.checkpoint}`, frozen: "–", bytes: "–" })),
  ].sort((a, b) => a.stepNo - b.stepNo);
  return (
    <section className={`${styles.card} ${styles.narrow}`}>
      <h3>Figures</h3>
      <DataTable
        rows={rows}
        keyOf={(row) => row.stepNo}
        columns={[
          { head: "Step", cell: (row) => row.what },
          { head: "Time", num: true, cell: (row) => msOf(row.stepNo) },
          { head: "Frozen", num: true, cell: (row) => row.frozen },
          { head: "Bytes", num: true, cell: (row) => row.bytes },
        ]}
      />
    </section>
  );
}
