/** The plain-text report into the clipboard; loaded when one asks for it. */
import { type ExperimentView, report } from "@crlab/shared";

export const copyReport = (view: ExperimentView, link: string): Promise<void> =>
  navigator.clipboard.writeText(report(view, link));
