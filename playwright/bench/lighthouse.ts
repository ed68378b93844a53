/** What Lighthouse says of a page: a score for each category, and why it is not a hundred. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { fetched } from "./fetched.js";

/** The latest that Node 20 runs. */
const VERSION = "12.8.2";
export const categories = ["performance", "accessibility", "best-practices", "seo"] as const;
export type Category = (typeof categories)[number];
/** "at least 95". */
export const GOOD_SCORE = 95;

const audit = z.object({
  title: z.string(),
  score: z.number().nullable(),
  displayValue: z.string().optional(),
});
const judged = z.object({
  /** Of 1; null: it could not be judged, which nobody should take for good. */
  score: z
    .number()
    .nullable()
    .transform((score) => Math.round((score ?? 0) * 100)),
  auditRefs: z.array(z.object({ id: z.string(), weight: z.number() })),
});
const result = z.object({
  runtimeError: z.object({ message: z.string() }).optional(),
  categories: z.record(z.enum(categories), judged),
  audits: z.record(z.string(), audit),
});

export interface Scores {
  scores: Record<Category, number>;
  /** What costs points, with the category that it costs them in. */
  faults: string[];
}

/** Now and then the browser gives it no trace, or one without a beginning: it says so, and asks to be run again. */
const TRIES = 3;
class NothingRecorded extends Error {}

/**
 * In a browser that listens on a port. `phone`: as Lighthouse has it by default, a slow phone on a slow network; else a
 * desktop. Both are simulated.
 */
export async function audited(url: string, port: number, how: { phone: boolean }): Promise<Scores> {
  for (let tries = 1; ; tries++) {
    try {
      return await auditedOnce(url, port, how);
    } catch (error) {
      if (!(error instanceof NothingRecorded) || tries === TRIES) throw error;
    }
  }
}

async function auditedOnce(url: string, port: number, { phone }: { phone: boolean }): Promise<Scores> {
  const script = await fetched("lighthouse", VERSION, "cli/index.js");
  const args = [
    ...[url, "--output=json", "--quiet", "--no-enable-error-reporting", `--only-categories=${categories.join()}`],
    ...(phone ? [] : ["--preset=desktop"]),
    `--port=${port}`,
  ];
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let complaint = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString("utf8");
  });
  const [code] = await once(child, "close");
  const last = complaint.trim().split("\n").at(-1) ?? "";
  if (code !== 0) {
    const message = `lighthouse ended with ${code}: ${last}`;
    throw last.startsWith("Runtime error") ? new NothingRecorded(message) : new Error(message);
  }
  const found = result.parse(JSON.parse(said));
  if (found.runtimeError) throw new NothingRecorded(`lighthouse: ${found.runtimeError.message}`);
  const of = found.categories;
  const faults = categories.flatMap((category) =>
    of[category].auditRefs.flatMap(({ id, weight }) => {
      const it = found.audits[id];
      return weight === 0 || it === undefined || it.score === null || it.score >= 0.9
        ? []
        : [`${category}: ${it.title}${it.displayValue ? ` (${it.displayValue})` : ""}`];
    }),
  );
  const scores = {
    performance: of.performance.score,
    accessibility: of.accessibility.score,
    "best-practices": of["best-practices"].score,
    seo: of.seo.score,
  };
  return { scores, faults };
}
