import { storedOutput } from "../../../../../lib/stored";

/** A terminal's stored output with its times, for replay. */
export async function GET(_: Request, { params }: { params: Promise<{ id: string; terminal: string }> }) {
  const { id, terminal } = await params;
  if (!/^\d{1,9}$/.test(terminal)) return new Response("A terminal is a number.\n", { status: 400 });
  return Response.json(await storedOutput(id, Number(terminal)));
}
