import { shippedExperiments } from "../../../lib/shipped";

/** An experiment that comes with the lab, as whoever runs it sends it. */
export async function GET(_: Request, { params }: { params: Promise<{ name: string }> }) {
  const { name } = await params;
  const shipped = (await shippedExperiments()).find((one) => one.name === name);
  if (!shipped) return Response.json({ error: "There is no such experiment." }, { status: 404 });
  return Response.json(shipped.file);
}
