/** Which pages of an address space were written between which checkpoints: a chain's digests as one grid of pages. */
import type { DigestMapping, ImageDigest } from "@crlab/shared";

export interface HeatMapping {
  name: string;
  access: string;
  /** Number of its first page in the address space. */
  firstPage: number;
  pages: number;
  /** Row of the grid at which it begins; each mapping begins a row of its own. */
  row: number;
  rows: number;
}

export interface Heat {
  columns: number;
  rows: number;
  mappings: HeatMapping[];
  /** Per cell: in how many of the increments the page was written. */
  times: Uint16Array;
  /** Per cell: 1 + the place in the chain of the last image that has its contents; 0: in none of them. */
  latest: Uint16Array;
  /** Pages with contents. */
  present: number;
  /** Pages that an increment wrote. */
  written: number;
}

export interface ChainLink {
  name: string;
  /** An image without a parent has every page, and says nothing about change. */
  full: boolean;
  digest: ImageDigest;
}

const PAGE = 4096n;
const PAYLOAD = 1;
const pageOf = (mapping: DigestMapping): number => Number(BigInt(mapping.start) / PAGE);

/** As square as the number of pages allows, and never wider than a million pages need. */
export function columnsFor(pages: number): number {
  const side = Math.sqrt(Math.max(1, pages) * 1.5);
  return Math.min(1024, Math.max(32, 2 ** Math.ceil(Math.log2(side))));
}

/** The space of the process that the last image of the chain names as `pid`. */
const spaceOf = (digest: ImageDigest, pid: number) => digest.spaces.find((s) => s.pids.includes(pid));

/** Laid out as the last image of the chain has it; earlier ones are found by address. */
export function heatOf(chain: readonly ChainLink[], pid: number): Heat | null {
  const last = chain.at(-1);
  const space = last && spaceOf(last.digest, pid);
  if (!space) return null;
  const columns = columnsFor(space.mappings.reduce((sum, m) => sum + m.pages, 0));
  let rows = 0;
  const mappings = space.mappings.map((m): HeatMapping => {
    const row = rows;
    const taken = Math.ceil(m.pages / columns);
    rows += taken;
    return { name: m.name, access: m.access, firstPage: pageOf(m), pages: m.pages, row, rows: taken };
  });
  const times = new Uint16Array(rows * columns);
  const latest = new Uint16Array(rows * columns);

  chain.forEach(({ digest, full }, place) => {
    for (const old of spaceOf(digest, pid)?.mappings ?? []) {
      const base = pageOf(old);
      for (const [first, length, kind] of old.runs) {
        if (kind !== PAYLOAD) continue;
        for (const m of mappings) {
          const from = Math.max(base + first, m.firstPage);
          const to = Math.min(base + first + length, m.firstPage + m.pages);
          if (from >= to) continue;
          const start = m.row * columns + (from - m.firstPage);
          const end = start + (to - from);
          latest.fill(place + 1, start, end);
          if (!full) for (let cell = start; cell < end; cell++) times[cell] = (times[cell] ?? 0) + 1;
        }
      }
    }
  });
  let present = 0;
  let written = 0;
  for (let cell = 0; cell < latest.length; cell++) {
    if (latest[cell]) present++;
    if (times[cell]) written++;
  }
  return { columns, rows, mappings, times, latest, present, written };
}

/** The page at a cell; undefined where a row is longer than its mapping. */
export function pageAt(heat: Heat, column: number, row: number): { mapping: HeatMapping; page: number } | undefined {
  if (column < 0 || column >= heat.columns) return undefined;
  const mapping = heat.mappings.find((m) => row >= m.row && row < m.row + m.rows);
  if (!mapping) return undefined;
  const index = (row - mapping.row) * heat.columns + column;
  return index < mapping.pages ? { mapping, page: mapping.firstPage + index } : undefined;
}

export type HeatMode = "often" | "recent";
export type Rgb = readonly [number, number, number];
export interface HeatColours {
  hot: Rgb;
  cold: Rgb;
  /** A page of a mapping that no image has. */
  absent: Rgb;
}

/** One pixel a page, RGBA. `links`: how many images the chain has. */
export function heatPixels(heat: Heat, mode: HeatMode, links: number, colours: HeatColours): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(heat.times.length * 4);
  const most = mode === "often" ? heat.times.reduce((a, b) => Math.max(a, b), 1) : Math.max(1, links);
  // Colours by step, so that a million pages cost a million look-ups.
  const ramp = Array.from({ length: most + 1 }, (_, n) =>
    mix(colours.cold, colours.hot, n === 0 ? 0 : 0.25 + (0.75 * n) / most),
  );
  for (const m of heat.mappings) {
    const start = m.row * heat.columns;
    for (let i = 0; i < m.pages; i++) {
      const cell = start + i;
      const latest = heat.latest[cell] ?? 0;
      const times = heat.times[cell] ?? 0;
      const step = mode === "often" ? times : times === 0 ? 0 : latest;
      const [r, g, b] = latest === 0 ? colours.absent : (ramp[step] ?? colours.hot);
      const at = cell * 4;
      pixels[at] = r;
      pixels[at + 1] = g;
      pixels[at + 2] = b;
      pixels[at + 3] = 255;
    }
  }
  return pixels;
}

const mix = (a: Rgb, b: Rgb, share: number): Rgb => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

/** Where the grid stands on the canvas: `scale` device pixels a page. */
export interface HeatPlace {
  x: number;
  y: number;
  scale: number;
}

const MAX_SCALE = 32;

/** The whole grid, in the middle. */
export function fitPlace(heat: Pick<Heat, "columns" | "rows">, width: number, height: number): HeatPlace {
  const scale = Math.min(MAX_SCALE, width / heat.columns, height / Math.max(1, heat.rows));
  return { scale, x: (width - heat.columns * scale) / 2, y: (height - heat.rows * scale) / 2 };
}

/** Nearer or further, with the point at (x, y) staying where it is. */
export function zoomPlace(place: HeatPlace, factor: number, x: number, y: number, least: number): HeatPlace {
  const scale = Math.min(MAX_SCALE, Math.max(least, place.scale * factor));
  const by = scale / place.scale;
  return { scale, x: x - (x - place.x) * by, y: y - (y - place.y) * by };
}
