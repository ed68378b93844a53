import { type ExperimentView, errorPlace, recordAt, type StepView } from "@crlab/shared";
import { hexOffset } from "../../lib/hex";
import { nowhere, writeShown } from "../../lib/shown";

/** Of an error that speaks of a place in an image: the way there, and which object it is. */
export function ImageLink({ view, step }: { view: ExperimentView; step: StepView }) {
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
