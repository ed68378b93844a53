import { type ExperimentView, settled } from "@crlab/shared";

/** Where an experiment stands, in one word. What cannot pass any more has failed, though its guest may still run. */
export function VerdictPill({ view }: { view: ExperimentView }) {
  if (view.invalid !== null)
    return (
      <span className="pill warn" title={view.invalid}>
        invalid
      </span>
    );
  if (view.verdict === "pass") return <span className="pill running">pass</span>;
  if (view.verdict === "fail") return <span className="pill failed">fail</span>;
  if (view.status === "interrupted") return <span className="pill warn">interrupted</span>;
  if (settled(view)) return <span className="pill failed">fail</span>;
  if (view.status === "new") return <span className="pill">not started</span>;
  if (view.guest?.queue != null) return <span className="pill warn">queued</span>;
  return <span className="pill frozen">{view.status}</span>;
}
