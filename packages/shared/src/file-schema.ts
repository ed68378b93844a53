/** The JSON schema of experiment files, so that editors complete them. Published as experiments/schema.json. */
import { z } from "zod";
import { experimentFile } from "./experiment-file.js";

export function experimentFileSchema(): string {
  const schema = z.toJSONSchema(experimentFile, { io: "input", target: "draft-7" });
  return `${JSON.stringify({ ...schema, title: "crlab experiment" }, null, 2)}\n`;
}
