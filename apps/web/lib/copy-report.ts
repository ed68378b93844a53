/** The plain-text report into the clipboard; loaded when one asks for it. */
import { type ExperimentView, report } from "@crlab/shared";
import { copyText } from "./copy-text";

export const copyReport = (view: ExperimentView, link: string): Promise<boolean> => copyText(report(view, link));
