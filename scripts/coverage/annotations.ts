/**
 * What the selftests say they cover: lines `covers: ROOM | RESOURCE | VERDICT` in a comment of their own, where the
 * verdict is `supported`, `refused` or words that qualify one of them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Covered {
  room: string;
  resource: string;
  verdict: string;
  test: string;
}

const line = /^(?:\/\*| \*|#) covers: (.*?)(?: \*\/)?$/;

/** Annotations of one selftest. */
export function annotationsOf(test: string, source: string): Covered[] {
  return source.split("\n").flatMap((text) => {
    const found = line.exec(text.trimEnd());
    if (!found) return [];
    const [room, resource, verdict, ...more] = (found[1] ?? "").split("|").map((part) => part.trim());
    if (!room || !resource || !verdict || more.length > 0 || !/^(supported|refused)\b/.test(verdict))
      throw new Error(`${test}: "${text.trim()}" is not "covers: ROOM | RESOURCE | supported or refused"`);
    return [{ room, resource, verdict, test }];
  });
}

/** Of the selftests in `dir`, and of the scripts in `cases`, which the selftest `programs` runs. */
export function allAnnotations(dir: string, cases: string): Covered[] {
  const read = (folder: string, file: string) => readFileSync(join(folder, file), "utf8");
  return [
    ...readdirSync(dir)
      .filter((file) => file.endsWith(".c"))
      .sort()
      .flatMap((file) => annotationsOf(file.slice(0, -2), read(dir, file))),
    ...readdirSync(cases)
      .sort()
      .flatMap((file) => annotationsOf(`programs ${file}`, read(cases, file))),
  ];
}

/** The page: a table for each room, resources in the order of the alphabet. */
export function coveragePage(covered: readonly Covered[]): string {
  const rooms = [...new Set(covered.map((c) => c.room))].sort();
  const table = (room: string) =>
    covered
      .filter((c) => c.room === room)
      .sort((a, b) => a.resource.localeCompare(b.resource, "en") || a.test.localeCompare(b.test, "en"))
      .map((c) => `| ${c.resource} | ${c.verdict} | \`${c.test}\` |`)
      .join("\n");
  const sections = rooms.map((room) => `## ${room}\n\n| resource | | selftest |\n|---|---|---|\n${table(room)}\n`);
  return `# What comes back, and what is refused

Made by \`npm run -s coverage\` from the annotations in \`kernel/selftests\`; a unit test says when it is out of date.
Each line names the test that checks it. What is not in it is not tested; [kernel.md](kernel.md) says what else is refused.

${sections.join("\n")}`;
}
