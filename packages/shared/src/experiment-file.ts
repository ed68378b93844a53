/** An experiment file (YAML or JSON): what `crlab run` takes and what the console ships, edits and exports. */
import { z } from "zod";
import { beyondEngine } from "./engines.js";
import { manifest, step, title } from "./experiment.js";
import { sheet } from "./sheet.js";
import { sweepFaults, sweepGrid } from "./sweep.js";

export const experimentFile = z
  .strictObject({
    title,
    ...sheet,
    ...manifest.shape,
    steps: z.array(step).min(1).max(500),
    /** Run it over a grid of settings, several times each. */
    sweep: sweepGrid.optional(),
  })
  .superRefine((file, context) => {
    for (const { path, message } of sweepFaults(file)) context.addIssue({ code: "custom", path, message });
    for (const { at, what } of beyondEngine(file))
      context.addIssue({ code: "custom", path: ["steps", at], message: `CRIU has nothing for ${what}` });
  });
export type ExperimentFile = z.infer<typeof experimentFile>;
