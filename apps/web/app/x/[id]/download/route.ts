import { experimentArchive, foldAll } from "@crlab/shared";
import { fileOf } from "../../../../lib/archive";
import { storedExperiment } from "../../../../lib/stored";

/** Everything about an experiment in one JSON file: manifest, steps, log. */
export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const stored = await storedExperiment(id, true);
  if (!stored) return new Response("There is no such experiment.\n", { status: 404 });
  const archive = experimentArchive.parse({
    format: "crlab-experiment",
    version: 1,
    id,
    file: fileOf(foldAll(stored.events)),
    events: stored.events,
  });
  return Response.json(archive, { headers: { "Content-Disposition": `attachment; filename="crlab-${id}.json"` } });
}
