import { foldAll } from "@crlab/shared";
import { stringify } from "yaml";
import { fileOf } from "../../../../lib/archive";
import { storedExperiment } from "../../../../lib/stored";

/** The experiment as a file that `crlab run` takes. */
export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const stored = await storedExperiment(id);
  if (!stored) return new Response("There is no such experiment.\n", { status: 404 });
  return new Response(stringify(fileOf(foldAll(stored.events))), {
    headers: { "Content-Type": "text/plain; charset=utf-8" },
  });
}
