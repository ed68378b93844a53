/** Widths of the bench's outer zones, remembered in a cookie so that the first paint has them. */
export const ZONES_COOKIE = "crlab_zones";

export interface Zones {
  stepsPx: number;
  inspectorPx: number;
}

const defaults: Zones = { stepsPx: 316, inspectorPx: 440 };
const limits = { stepsPx: [240, 520], inspectorPx: [280, 760] } as const;

export function clampZone(zone: keyof Zones, px: number): number {
  const [least, most] = limits[zone];
  return Math.min(most, Math.max(least, Math.round(px)));
}

export const zoneLimits = (zone: keyof Zones) => limits[zone];

export function readZones(value: string | undefined): Zones {
  const match = /^(\d{2,4})\.(\d{2,4})$/.exec(value ?? "");
  if (!match) return defaults;
  return { stepsPx: clampZone("stepsPx", Number(match[1])), inspectorPx: clampZone("inspectorPx", Number(match[2])) };
}

export const writeZones = (zones: Zones): string => `${zones.stepsPx}.${zones.inspectorPx}`;
