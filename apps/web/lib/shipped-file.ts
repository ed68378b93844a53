/** The lab's own experiments, fetched by whoever is about to run one: a page that lists them need not bring all of them along. */
import type { ExperimentFile } from "@crlab/shared";

const files = new Map<string, Promise<ExperimentFile>>();

async function fetchFile(name: string): Promise<ExperimentFile> {
  const answer = await fetch(`/shipped/${encodeURIComponent(name)}`);
  if (!answer.ok) throw new Error(`${name} is no longer there`);
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
