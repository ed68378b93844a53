/** The plain-text report, for a place that may be narrower than it: which of its lines may be as long as there is room. */

export interface ReportPart {
  text: string;
  /** `rule`: a line across; `soft`: a line's end where only the report's own width ended it. */
  kind: "text" | "rule" | "soft";
}

const WIDTH = 72;
/** Of lines that stand below one another, each for itself: those that go on are indented. */
const LABEL = /^(\S+ {2,}|step \d+: |kernel: )/;
const isRule = (line: string): boolean => /^[-=]+$/.test(line);

export function reportParts(report: string): ReportPart[] {
  const lines = report.split("\n");
  const parts: ReportPart[] = [];
  let text = "";
  const add = (part: ReportPart) => {
    if (text !== "") parts.push({ text, kind: "text" });
    text = "";
    parts.push(part);
  };
  let inTable = false;
  let labelled = false;
  lines.forEach((line, i) => {
    const next = lines[i + 1];
    if (lines[i - 1] === "" || i === 0) labelled = LABEL.test(line);
    // Rows stand between a rule and the next empty line; their heads before it.
    if (line === "") inTable = false;
    if (/^-+$/.test(line)) inTable = true;
    if (isRule(line)) add({ text: line, kind: "rule" });
    else text += line;
    if (next === undefined) return;
    const mayFlow = !inTable && !isRule(line) && (!labelled || next.startsWith(" "));
    if (mayFlow && continues(line, next)) add({ text: "\n", kind: "soft" });
    else text += "\n";
  });
  if (text !== "") parts.push({ text, kind: "text" });
  return parts;
}

/** The next line's first word had no room. */
function continues(line: string, next: string): boolean {
  const [word] = next.trimStart().split(" ");
  return line !== "" && word !== undefined && word !== "" && !isRule(next) && line.length + 1 + word.length > WIDTH;
}
