import { storedExperiment } from "../../../../lib/stored";

/** The log without the terminals' bytes, for replay. */
export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const stored = await storedExperiment((await params).id);
  return Response.json(stored?.events ?? [], { status: stored ? 200 : 404 });
}
