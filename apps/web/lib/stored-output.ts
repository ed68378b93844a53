/** A terminal's output as the console has stored it, with its times. */
import { z } from "zod";
import { askConsole } from "./ask-console";

const answer = z.array(z.object({ atMs: z.number(), offset: z.number(), data: z.base64() }));

export interface OutputPart {
  atMs: number;
  offset: number;
  bytes: Uint8Array;
}

export async function storedOutput(experiment: string, terminal: number): Promise<OutputPart[]> {
  const body = await askConsole(`/x/${experiment}/terminal/${terminal}`);
  return answer.parse(body).map(({ atMs, offset, data }) => ({
    atMs,
    offset,
    bytes: Uint8Array.from(atob(data), (c) => c.charCodeAt(0)),
  }));
}
