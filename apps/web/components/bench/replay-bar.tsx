"use client";
import type { ExperimentView } from "@crlab/shared";
import { useEffect } from "react";
import { useHydrated } from "../../lib/hydrated";
import { formatClock } from "../../lib/time";
import styles from "./terminals.module.css";

interface Props {
  /** The whole experiment: where its marks are. */
  view: ExperimentView;
  atMs: number;
  onMove: (atMs: number) => void;
  playing: boolean;
  onPlay: (playing: boolean) => void;
}

/** An arrow key goes so far; a browser would by the slider's least step, a thousandth of that. */
const KEY_MS = 1000;

/** Moves through a finished experiment; marks show checkpoints and restores. */
export function ReplayBar({ view, atMs, onMove, playing, onPlay }: Props) {
  const hydrated = useHydrated();
  const end = Math.max(view.lastMs, 1);

  // biome-ignore lint/correctness/useExhaustiveDependencies: playing carries its own clock; a moved slider stops it
  useEffect(() => {
    if (!playing) return;
    let frame = 0;
    let last = performance.now();
    let now = atMs >= end ? 0 : atMs;
    const tick = (time: number) => {
      now = Math.min(end, now + (time - last));
      last = time;
      onMove(now);
      if (now >= end) onPlay(false);
      else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [playing]);

  const move = (to: number) => {
    onPlay(false);
    onMove(to);
  };
  return (
    <div className={styles.replay} data-testid="replay">
      <button
        type="button"
        className="btn quiet"
        onClick={() => onPlay(!playing)}
        aria-label={playing ? "Pause replay" : "Play replay"}
      >
        <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
          {playing ? (
            <path d="M2 1h3v10H2zM7 1h3v10H7z" fill="currentColor" />
          ) : (
            <path d="M2 1l9 5-9 5z" fill="currentColor" />
          )}
        </svg>
      </button>
      <div className={styles.track}>
        <svg aria-hidden="true">
          <rect y="7" width="100%" height="4" rx="2" fill="var(--border-strong)" />
          <rect y="7" width={`${(100 * Math.min(atMs, end)) / end}%`} height="4" rx="2" fill="var(--accent)" />
          {view.checkpoints.map((c) => (
            <rect
              key={`c${c.stepNo}`}
              x={`${(c.atMs / end) * 100}%`}
              y="3"
              width="3"
              height="12"
              transform="translate(-1.5)"
              fill="var(--frozen)"
            />
          ))}
          {view.restores.map((r) => (
            <rect
              key={`r${r.stepNo}`}
              x={`${(r.atMs / end) * 100}%`}
              y="3"
              width="3"
              height="12"
              transform="translate(-1.5)"
              fill="var(--running)"
            />
          ))}
        </svg>
        <input
          type="range"
          disabled={!hydrated}
          min={0}
          max={Math.ceil(end)}
          value={Math.round(atMs)}
          aria-label="Moment of the experiment"
          aria-valuetext={formatClock(atMs)}
          onChange={(event) => move(Number(event.currentTarget.value))}
          onKeyDown={(event) => {
            const to = { ArrowRight: atMs + KEY_MS, ArrowLeft: atMs - KEY_MS }[event.key];
            if (to === undefined && event.key !== " ") return;
            event.preventDefault();
            if (to === undefined) onPlay(!playing);
            else move(Math.min(end, Math.max(0, to)));
          }}
        />
      </div>
      <span className={styles.clock}>
        {formatClock(atMs)} / {formatClock(end)}
      </span>
    </div>
  );
}
