import { foldAll, report } from "@crlab/shared";
import { storedExperiment } from "../../../../lib/stored";

/** The plain-text report, for those who fetch it from a shell. */
export async function GET(request: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const stored = await storedExperiment(id);
  if (!stored) return new Response("There is no such experiment.\n", { status: 404 });
  const link = `http://${request.headers.get("host") ?? "127.0.0.1"}/x/${id}`;
  return new Response(report(foldAll(stored.events), link), {
    headers: { "Content-Type": "text/plain; charset=utf-8" },
  });
}
