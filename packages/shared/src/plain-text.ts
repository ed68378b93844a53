/** Plain text that fits a mailing list: 72 columns, tables in ASCII. */
import { describeChanges } from "./describe.js";
import type { Fingerprint } from "./experiment.js";

export const COLUMNS = 72;

export function heading(text: string): string {
  const title = wrap(text);
  const width = Math.max(...title.split("\n").map((l) => l.length));
  return `${title}\n${"=".repeat(width)}`;
}

/** What is needed to reproduce a run. */
export function environment(f: Fingerprint): string {
  const changes = describeChanges(f);
  const rows: [string, string][] = [
    [
      "kernel",
      `${f.kernelRelease} (${f.kernelVariant}, patch set ${f.kernelHash.slice(0, 12)}, config ${f.configHash.slice(0, 12)})`,
    ],
    ...(changes === undefined ? [] : [["", changes] satisfies [string, string]]),
    ["image", f.imageHash.slice(0, 12)],
    ["qemu", `${f.qemuVersion}, ${f.accel}, ${f.cpus} CPUs, ${f.memMiB} MiB`],
  ];
  return rows.map(([name, value]) => wrap(value, 8, name.padEnd(8))).join("\n");
}

export function cells(row: [text: string, width: number, align: "left" | "right"][]): string {
  return row
    .map(([text, width, align]) => {
      const plain = text.replace(/\s+/g, " ");
      const fitted = plain.length > width ? `${plain.slice(0, width - 2)}..` : plain;
      return align === "left" ? fitted.padEnd(width) : fitted.padStart(width);
    })
    .join("  ")
    .trimEnd();
}

/** Break at spaces; a word longer than the line is cut. The first line begins with a label, further ones are indented. */
export function wrap(text: string, indent = 0, label = ""): string {
  const lines: string[] = [];
  let line = label;
  let empty = true;
  for (let word of text.split(/\s+/)) {
    for (;;) {
      if (line.length + (empty ? 0 : 1) + word.length <= COLUMNS) {
        line += empty ? word : ` ${word}`;
        empty = false;
        break;
      }
      if (empty) {
        lines.push(line + word.slice(0, COLUMNS - line.length));
        word = word.slice(COLUMNS - line.length);
      } else lines.push(line);
      line = " ".repeat(indent);
      empty = true;
    }
  }
  if (line.trim() !== "") lines.push(line);
  return lines.join("\n");
}
