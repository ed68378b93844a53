import { type ExperimentView, errorPlace, recordAt, type StepView } from "@crlab/shared";
import { hexOffset } from "../../lib/hex";
import { obstacleIn } from "../../lib/obstacles";
import { doneMs, nowhere, writeShown } from "../../lib/shown";

interface Props {
  view: ExperimentView;
  step: StepView;
}

/** From what a step's error says to what it speaks of: a place in an image, or what a process holds. */
export function ErrorLinks({ view, step }: Props) {
  return (
    <>
      <ImageLink view={view} step={step} />
      {step.kind === "checkpoint" && step.error && <HolderLink view={view} step={step} text={step.error.message} />}
    </>
  );
}

/** Which object it is stands in the link. */
function ImageLink({ view, step }: Props) {
  const place = errorPlace(view, step);
  if (place === null) return null;
  const { checkpoint, offset } = place;
  const digest = view.checkpoints.find((c) => c.name === checkpoint)?.digest;
  const record = digest ? recordAt(digest, offset) : undefined;
  return (
    <a data-view href={writeShown({ ...nowhere, tab: "checkpoints", checkpoint, offset })}>
      {hexOffset(offset)} of {checkpoint}
      {record && `: ${record.type}${record.objref > 0 ? ` #${record.objref}` : ""}`}
    </a>
  );
}

/** Where nothing runs any more, to the moment at which the step was done. */
export function HolderLink({ view, step, text }: Props & { text: string }) {
  const holder = obstacleIn(text);
  if (holder === null) return null;
  const over = view.status === "ended" || view.status === "interrupted";
  const atMs = over ? doneMs(step, view) : null;
  return (
    <a data-view href={writeShown({ ...nowhere, atMs, tab: "processes" })}>
      {holder.fd === null ? `pid ${holder.pid}` : `fd ${holder.fd} of ${holder.pid}`}
    </a>
  );
}
