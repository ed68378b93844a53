/** Widths of the bench's outer zones, remembered in a cookie so that the first paint has them. */
export const ZONES_COOKIE = "crlab_zones";

export interface Zones {
  stepsPx: number;
  inspectorPx: number;
}

/** The inspector is narrower where a terminal would not have its 80 columns beside it. */
export const defaultZones: Zones = { stepsPx: 304, inspectorPx: 440 };
const limits = { stepsPx: [240, 520], inspectorPx: [280, 760] } as const;

export function clampZone(zone: keyof Zones, px: number): number {
  const [least, most] = limits[zone];
  return Math.min(most, Math.max(least, Math.round(px)));
}

export const zoneLimits = (zone: keyof Zones) => limits[zone];

/** Null: nobody has chosen any. */
export function readZones(value: string | undefined): Zones | null {
  const match = /^(\d{2,4})\.(\d{2,4})$/.exec(value ?? "");
  if (!match) return null;
  return { stepsPx: clampZone("stepsPx", Number(match[1])), inspectorPx: clampZone("inspectorPx", Number(match[2])) };
}

export const writeZones = (zones: Zones): string => `${zones.stepsPx}.${zones.inspectorPx}`;

/** What the bench's style reads. Who has chosen widths may have a terminal of any. */
export const zoneProperties = ({ stepsPx, inspectorPx }: Zones): [name: string, value: string][] => [
  ["--steps", `${stepsPx}px`],
  ["--inspector", `${inspectorPx}px`],
  ["--terminal", "280px"],
];
