"use client";
import type { ExperimentView } from "@crlab/shared";
import { lazy, Suspense, useState } from "react";
import styles from "./inspector.module.css";

const Annotate = lazy(() => import("./annotate").then((m) => ({ default: m.Annotate })));

interface Props {
  id: string;
  view: ExperimentView;
  mine: boolean;
}

/** What one takes away of an experiment, beside its report: its file, its log, a comparison. */
export function ReportButtons({ id, view, mine }: Props) {
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = () => {
    import("../../lib/copy-report")
      .then(({ copyReport }) => copyReport(view, `${location.origin}/x/${id}`))
      .then(setCopied)
      .catch(() => setCopied(false));
  };
  return (
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
      <a className="btn" href={`/new?from=${id}`}>
        Edit steps
      </a>
      <a className="btn" href={`/sweeps?from=${id}`} title="Several times, or over a grid: medians with their spread">
        Repeat …
      </a>
      <a className="btn" href={`/compare?x=${id}`}>
        Compare …
      </a>
      {mine && (
        <Suspense fallback={null}>
          <Annotate id={id} view={view} />
        </Suspense>
      )}
      <span role="status" className="dim">
        {copied === null ? "" : copied ? "Copied." : "The browser did not let it be copied."}
      </span>
    </div>
  );
}
