/** Replays what a terminal has put out, up to a moment that moves. */

/** What resets a terminal, in the order of what is written to it: it draws later than it is written to. */
const RESET = "\x1bc";

interface Part {
  atMs: number;
  bytes: Uint8Array;
}

/** Draws what has come since it was last called; going back begins again. */
export function player(
  write: (data: string | Uint8Array) => void,
  parts: readonly Part[],
  atMs: () => number,
): () => void {
  let drawn = 0;
  return () => {
    const due = parts.findIndex((part) => part.atMs > atMs());
    const end = due === -1 ? parts.length : due;
    if (end < drawn) {
      write(RESET);
      drawn = 0;
    }
    for (const part of parts.slice(drawn, end)) write(part.bytes);
    drawn = end;
  };
}
