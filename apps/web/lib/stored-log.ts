/** The log of an experiment as the console has it: loaded when one looks at more than its end. */
import { type LogEvent, readEvent } from "@crlab/shared";
import { z } from "zod";
import { askConsole } from "./ask-console";

export { foldAll } from "@crlab/shared";

export async function storedLog(experiment: string): Promise<LogEvent[]> {
  const body = await askConsole(`/x/${experiment}/log`);
  return z.array(z.unknown()).parse(body).map(readEvent);
}
