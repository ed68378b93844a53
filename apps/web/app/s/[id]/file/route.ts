import { stringify } from "yaml";
import { storedSweep } from "../../../../lib/sweeps";

/** The file that makes this sweep again. */
export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const found = await storedSweep((await params).id);
  if (!found) return new Response("There is no such sweep.\n", { status: 404 });
  return new Response(stringify(found.sweep.file), { headers: { "Content-Type": "text/plain; charset=utf-8" } });
}
