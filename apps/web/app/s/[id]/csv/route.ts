import { sweepCsv, sweepMetrics } from "@crlab/shared";
import { storedSweep } from "../../../../lib/sweeps";

/** A line for each run that is done. */
export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const found = await storedSweep(id);
  if (!found?.sweep.file.sweep) return new Response("There is no such sweep.\n", { status: 404 });
  const { file } = found.sweep;
  const csv = sweepCsv(found.sweep.file.sweep, found.results, sweepMetrics(file.steps, found.results));
  return new Response(csv, {
    headers: {
      "Content-Type": "text/csv; charset=utf-8",
      "Content-Disposition": `attachment; filename="crlab-sweep-${id}.csv"`,
    },
  });
}
