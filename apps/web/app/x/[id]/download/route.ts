import { sealOf } from "@crlab/runner/src/store/identity";
import { foldAll, readEvent } from "@crlab/shared";
import { fileOf } from "../../../../lib/archive";
import { storedLog } from "../../../../lib/stored";

/** Everything about an experiment in one JSON file: manifest, steps, log, and the log's digest. */
export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const events = await storedLog(id);
  if (!events) return new Response("There is no such experiment.\n", { status: 404 });
  const { digest, intact } = sealOf(events);
  if (!intact)
    return new Response("The log in this lab's database is not what it was when the experiment ended.\n", {
      status: 409,
    });
  const file = fileOf(foldAll(events.map(readEvent)));
  return Response.json(
    { format: "crlab-experiment", version: 1, id, digest, file, events },
    { headers: { "Content-Disposition": `attachment; filename="crlab-${id}.json"` } },
  );
}
