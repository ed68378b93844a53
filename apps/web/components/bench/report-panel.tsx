"use client";
import { type ExperimentView, report } from "@crlab/shared";
import { useState } from "react";
import styles from "./inspector.module.css";

/** The plain-text report, and what is needed to run the experiment again elsewhere. */
export function ReportPanel({ id, view }: { id: string; view: ExperimentView }) {
  const [copied, setCopied] = useState(false);
  const f = view.fingerprint;
  const text = report(view);
  const copy = () => {
    navigator.clipboard
      .writeText(report(view, `${location.origin}/x/${id}`))
      .then(() => setCopied(true))
      .catch(() => setCopied(false));
  };
  return (
    <>
      <div className={styles.buttons}>
        <button type="button" className="btn" onClick={copy}>
          Copy as plain-text report
        </button>
        <a className="btn" href={`/x/${id}/download`} download>
          Download JSON
        </a>
        <a className="btn" href={`/x/${id}/file`}>
          Experiment file
        </a>
        <span role="status" className="dim">
          {copied ? "Copied." : ""}
        </span>
      </div>
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
            <dt>image</dt>
            <dd>{f.imageHash.slice(0, 12)}</dd>
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
          </dl>
        )}
      </section>
      <section className={styles.card}>
        <h3>Report</h3>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
        <pre className={styles.report} tabIndex={0}>
          {text}
        </pre>
      </section>
    </>
  );
}
