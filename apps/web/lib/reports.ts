/** Reports of the bench, for pages. */
import "server-only";

export { readReport, reportNames } from "@crlab/runner/src/bench/reports";
