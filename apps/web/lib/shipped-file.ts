/** The lab's own experiments, fetched by whoever is about to run one: a page that lists them need not bring all of them along. */
import type { ExperimentFile } from "@crlab/shared";
import { consoleAway, RequestError } from "./runner-socket";

const files = new Map<string, Promise<ExperimentFile>>();

async function fetchFile(name: string): Promise<ExperimentFile> {
  const answer = await fetch(`/shipped/${encodeURIComponent(name)}`).catch(() => {
    throw new RequestError(consoleAway);
  });
  if (!answer.ok)
    throw new RequestError({
      code: "shipped.none",
      message: `The lab has no experiment ${name} any more, or cannot read it.`,
      hint: "Reload the page; the console’s output says what is wrong with a file.",
    });
  return answer.json() as Promise<ExperimentFile>;
}

export function shippedFile(name: string): Promise<ExperimentFile> {
  const known = files.get(name);
  if (known) return known;
  const file = fetchFile(name);
  files.set(name, file);
  file.catch(() => files.delete(name));
  return file;
}
