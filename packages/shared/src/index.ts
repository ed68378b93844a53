/** What the runner, the console and the command line must agree on. */
export * from "./actions.js";
export * from "./bench.js";
export * from "./compare.js";
export * from "./describe.js";
export * from "./events.js";
export * from "./experiment.js";
export * from "./fold.js";
export * from "./frame.js";
export * from "./image/digest.js";
export * from "./migration.js";
export * from "./protocol.js";
export * from "./report.js";
export * from "./units.js";
export * from "./verdict.js";
export * from "./workloads.js";
