/** Bytes as people look at them: offset, hex, and what of it is text. */

const PER_LINE = 8;

export interface HexLine {
  offset: number;
  bytes: number[];
  text: string;
}

export function hexLines(base64: string, offset: number): HexLine[] {
  const bytes = Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return Array.from({ length: Math.ceil(bytes.length / PER_LINE) }, (_, i) => {
    const part = bytes.slice(i * PER_LINE, (i + 1) * PER_LINE);
    return {
      offset: offset + i * PER_LINE,
      bytes: part,
      text: part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join(""),
    };
  });
}

export const hexByte = (byte: number): string => byte.toString(16).padStart(2, "0");
export const hexOffset = (offset: number): string => `0x${offset.toString(16)}`;
