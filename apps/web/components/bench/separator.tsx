"use client";
import type { KeyboardEvent, PointerEvent } from "react";
import { clampZone, type Zones, zoneLimits } from "../../lib/zones";
import styles from "./bench.module.css";

interface Props {
  zone: keyof Zones;
  label: string;
  px: number;
  onSize: (zone: keyof Zones, px: number) => void;
}

/** The line between two zones: drag it, or move it by arrow keys. */
export function Separator({ zone, label, px, onSize }: Props) {
  // The inspector stands on the right: moving its line left makes it wider.
  const sign = zone === "stepsPx" ? 1 : -1;
  /** Before one has chosen, it depends on the window. */
  const widthBeside = (line: HTMLElement): number => {
    const beside = sign === 1 ? line.previousElementSibling : line.nextElementSibling;
    return beside instanceof HTMLElement ? beside.offsetWidth : px;
  };
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const from = event.clientX;
    const line = event.currentTarget;
    const px = widthBeside(line);
    line.setPointerCapture(event.pointerId);
    const move = (e: globalThis.PointerEvent) => onSize(zone, clampZone(zone, px + sign * (e.clientX - from)));
    line.addEventListener("pointermove", move);
    line.addEventListener("lostpointercapture", () => line.removeEventListener("pointermove", move), { once: true });
  };
  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    onSize(zone, clampZone(zone, widthBeside(event.currentTarget) + sign * step));
  };
  const [least, most] = zoneLimits(zone);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator one can move is a widget, hr is not
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={px}
      aria-valuemin={least}
      aria-valuemax={most}
      tabIndex={0}
      className={styles.separator}
      onPointerDown={drag}
      onKeyDown={press}
    />
  );
}
