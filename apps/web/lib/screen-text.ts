/** What a terminal's output leaves on its screen, as plain text: enough for a first look, before a terminal is loaded. */

const TAB = 8;
/** Control sequences, operating system commands, and what else begins with ESC. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are made of
const sequence = /\u001b(?:\[([0-9;?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[()#][0-9A-Za-z]|.)/y;

/** Text as a console has it, in lines: what firmware does to a screen is not for readers. */
export const withoutControls = (text: string): string =>
  text
    .replace(new RegExp(sequence.source, "g"), "")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");

/** At most the last `rows` lines. Colours are left out; so is what programs that paint whole screens do. */
export function screenText(output: string, rows: number): string {
  let lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  const line = (): string[] => {
    while (lines.length <= row) lines.push([]);
    return lines[row] ?? [];
  };
  const control = (parameters: string, final: string) => {
    const [n = 0] = parameters.split(";").map((p) => Number(p) || 0);
    const by = Math.max(1, n);
    if (final === "A") row = Math.max(0, row - by);
    else if (final === "B") row += by;
    else if (final === "C") column += by;
    else if (final === "D") column = Math.max(0, column - by);
    else if (final === "G") column = by - 1;
    else if (final === "P") line().splice(column, by);
    else if (final === "K" && n === 0) line().length = Math.min(line().length, column);
    else if (final === "K" && n === 2) line().length = 0;
    else if (final === "J" && n >= 2) {
      lines = [[]];
      row = 0;
      column = 0;
    } else if (final === "J") {
      lines.length = Math.min(lines.length, row + 1);
      line().length = Math.min(line().length, column);
    }
  };
  for (let at = 0; at < output.length; at++) {
    const c = output[at] ?? "";
    if (c === "\u001b") {
      sequence.lastIndex = at;
      const found = sequence.exec(output);
      if (found === null) break;
      if (found[2] !== undefined) control(found[1] ?? "", found[2]);
      at += found[0].length - 1;
    } else if (c === "\n") row++;
    else if (c === "\r") column = 0;
    else if (c === "\b") column = Math.max(0, column - 1);
    else if (c === "\t") column += TAB - (column % TAB);
    else if (c >= " ") {
      const cells = line();
      while (cells.length < column) cells.push(" ");
      cells[column++] = c;
    }
  }
  return lines
    .map((cells) => cells.join("").trimEnd())
    .join("\n")
    .trimEnd()
    .split("\n")
    .slice(-rows)
    .join("\n");
}
