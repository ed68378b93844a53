/** A terminal's output as the console has stored it, with its times. */
import { z } from "zod";

const answer = z.array(z.object({ atMs: z.number(), offset: z.number(), data: z.base64() }));

export interface OutputPart {
  atMs: number;
  offset: number;
  bytes: Uint8Array;
}

export async function storedOutput(experiment: string, terminal: number): Promise<OutputPart[]> {
  const response = await fetch(`/x/${experiment}/terminal/${terminal}`);
  const body: unknown = await response.json();
  return answer.parse(body).map(({ atMs, offset, data }) => ({
    atMs,
    offset,
    bytes: Uint8Array.from(atob(data), (c) => c.charCodeAt(0)),
  }));
}
