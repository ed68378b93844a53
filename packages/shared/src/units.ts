/** Numbers as people read them; the same words on the page, in reports and on the command line. */

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function formatMs(ms: number): string {
  if (ms === 0) return "0 ms";
  // What would be rounded up to the next unit is said in it.
  if (ms < 0.9995) return `${Math.round(ms * 1000)} us`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const formatCount = (n: number): string => n.toLocaleString("en", { maximumFractionDigits: 1 });

export const formatNs = (ns: number): string => formatMs(ns / 1e6);

/** A step's figure: the unit is the end of its name (frozenNs, bytes, memMiB). */
export function formatFigure(name: string, value: number | string | boolean | null): string {
  if (typeof value !== "number") return value === null ? "-" : String(value);
  if (name.endsWith("Ns")) return formatNs(value);
  if (name.endsWith("Ms")) return formatMs(value);
  if (name === "bytes" || name.endsWith("Bytes")) return formatBytes(value);
  if (name.endsWith("MiB")) return `${value} MiB`;
  if (/(pages|faults|files)$/i.test(name)) return formatCount(value);
  return String(value);
}

/** A step's figure as people call it; its unit stands at its value. */
export const nameOfFigure = (name: string): string =>
  name === "stepMs" ? "time" : name.replace(/(Ns|Ms)$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
