/** The log of an experiment as the console has it: loaded when one looks at more than its end. */
import { type LogEvent, readEvent } from "@crlab/shared";
import { z } from "zod";

export { foldAll } from "@crlab/shared";

export async function storedLog(experiment: string): Promise<LogEvent[]> {
  const response = await fetch(`/x/${experiment}/log`);
  const body: unknown = await response.json();
  return z.array(z.unknown()).parse(body).map(readEvent);
}
