import { sweepReport } from "@crlab/shared";
import { storedSweep } from "../../../../lib/sweeps";

/** The plain-text report. */
export async function GET(request: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const found = await storedSweep(id);
  if (!found) return new Response("There is no such sweep.\n", { status: 404 });
  const link = `http://${request.headers.get("host") ?? "127.0.0.1"}/s/${id}`;
  const { sweep, results, total } = found;
  return new Response(sweepReport(sweep.file, results, { total, stopped: sweep.reason, link }), {
    headers: { "Content-Type": "text/plain; charset=utf-8" },
  });
}
