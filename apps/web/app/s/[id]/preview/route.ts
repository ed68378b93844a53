import { describeRatio, nameOfFigure, sweepMetrics, sweepRows, transitions } from "@crlab/shared";
import { type Preview, previewResponse } from "../../../../lib/preview";
import { type SweepWithRuns, storedSweep } from "../../../../lib/sweeps";

/** What changes most stands beside how far it is. */
function previewOf({ sweep, total, results }: SweepWithRuns): Preview {
  const { title, question, steps, sweep: grid } = sweep.file;
  const rows = grid ? sweepRows(grid, results) : [];
  const changes = grid ? transitions(grid, rows, sweepMetrics(steps, results)) : [];
  const ok = results.filter((r) => r.verdict === "pass").length;
  return {
    title,
    question: question ?? "",
    state: sweep.status,
    tone: sweep.status === "stopped" ? "doubtful" : sweep.status === "done" && ok === total ? "good" : "plain",
    figures: [
      ["runs ok", `${ok} of ${total}`],
      ...changes.slice(0, 2).map((t): [string, string] => {
        const where = `${t.axis} ${t.from} to ${t.to}`;
        return t.metric === null ? [where, t.text] : [`${nameOfFigure(t.metric.figure)}, ${where}`, describeRatio(t)];
      }),
    ],
    fingerprint: results.find((r) => r.fingerprint !== null)?.fingerprint ?? null,
  };
}

export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const found = await storedSweep(id);
  if (!found) return new Response("There is no such sweep.\n", { status: 404 });
  return previewResponse(id, `${found.sweep.status} ${found.results.length}`, () => previewOf(found));
}
