/** What an experiment's steps add up to. */
import { isKernelTrouble } from "./kernel-trouble.js";
import type { ExperimentView, Verdict } from "./view.js";

/** The kernel log's lines that speak of trouble. */
export function kernelTrouble(view: Pick<ExperimentView, "kernelLog">): string[] {
  return view.kernelLog.flatMap((entry) => entry.text.split("\n").filter(isKernelTrouble));
}

/** What no later step can mend: the experiment fails, however it goes on. Null while it may still pass. */
export function settled(view: ExperimentView): { verdict: "fail"; reason: string } | null {
  const failed = view.steps.find((s) => s.state === "failed");
  if (failed)
    return fail(`step ${failed.stepNo} (${failed.kind}) failed: ${failed.error?.message ?? "no reason given"}`);
  const bad = view.verifications.find((v) => !v.ok);
  if (bad) return fail(`step ${bad.stepNo}: ${bad.text}`);
  if (view.lost !== null) return fail(view.lost);
  const trouble = kernelTrouble(view)[0];
  if (trouble !== undefined) return fail(`the kernel complained: ${trouble.trim()}`);
  return null;
}

const fail = (reason: string) => ({ verdict: "fail" as const, reason });

/** `pass` only if there were steps, each was ok, each verification was ok, no guest was lost and the kernel had no complaint. */
export function judge(view: ExperimentView): { verdict: Verdict; reason: string } {
  const already = settled(view);
  if (already) return already;
  const unfinished = view.steps.find((s) => s.state !== "ok");
  if (unfinished) return fail(`step ${unfinished.stepNo} (${unfinished.kind}) did not finish`);
  const left = view.plan.length - view.planDone;
  if (left > 0) return fail(`${left} of ${view.plan.length} planned steps were not run`);
  if (view.steps.length === 0) return fail("no step was run");
  const checks = view.verifications.length;
  const checked = checks === 0 ? "nothing was verified" : `${checks} verification${checks === 1 ? "" : "s"} ok`;
  return { verdict: "pass", reason: `all ${view.steps.length} steps ok, ${checked}` };
}
