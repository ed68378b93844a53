/** An experiment as an experiment file: its manifest and the steps that were done, or are planned. */
import { type ExperimentFile, type ExperimentView, experimentFile, sheetOf } from "@crlab/shared";

export function fileOf(view: ExperimentView): ExperimentFile {
  const done = view.steps.map((s) => s.step);
  return experimentFile.parse({
    title: view.title,
    ...sheetOf(view),
    ...view.manifest,
    steps: view.plan.length > done.length ? view.plan : done.length > 0 ? done : [{ kind: "boot" }],
  });
}
