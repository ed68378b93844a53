import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { experimentFileSchema } from "./file-schema.js";
import { formatFileError, parseExperimentFile } from "./parse.js";
import { findWorkload } from "./workloads.js";

const folder = new URL("../../../experiments/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

describe("shipped experiments", () => {
  it.each(files)("%s parses, names its schema and known workloads", (name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=./schema.json");
    const parsed = parseExperimentFile(text, name);
    if (!parsed.ok) throw new Error(parsed.errors.map(formatFileError).join("\n"));
    for (const step of parsed.file.steps)
      if (step.kind === "start" && step.workload !== undefined) expect(findWorkload(step.workload)).toBeDefined();
  });

  it("have an up-to-date schema (npm run schema -w @crlab/shared)", () => {
    expect(readFileSync(new URL("schema.json", folder), "utf8")).toBe(experimentFileSchema());
  });
});
