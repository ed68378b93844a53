"use client";
import { type CheckpointView, type ExperimentView, formatBytes, formatNs } from "@crlab/shared";
import { useState } from "react";
import { ImageView } from "./image-view";
import styles from "./inspector.module.css";
import type { OnRead } from "./not-read";

const ROW = 34;
const INDENT = 20;

/** How many increments lie between a checkpoint and its full one. */
function depthOf(checkpoint: CheckpointView, all: readonly CheckpointView[]): number {
  let depth = 0;
  let parent = all.find((c) => c.name === checkpoint.parent);
  while (parent && depth < all.length) {
    depth++;
    const { parent: next } = parent;
    parent = all.find((c) => c.name === next);
  }
  return depth;
}

/** The chain: each checkpoint hangs on its parent. */
function Chain({ checkpoints }: { checkpoints: readonly CheckpointView[] }) {
  const at = new Map(
    checkpoints.map((c, i) => [c.name, { x: 10 + depthOf(c, checkpoints) * INDENT, y: i * ROW + 17 }]),
  );
  return (
    <svg
      className={styles.graph}
      width="100%"
      height={checkpoints.length * ROW}
      role="img"
      aria-label={checkpoints.map((c) => `${c.name}, ${c.mode}${c.parent ? ` on ${c.parent}` : ""}`).join("; ")}
    >
      {checkpoints.map((c) => {
        const here = at.get(c.name);
        const parent = c.parent === null ? undefined : at.get(c.parent);
        if (!here) return null;
        const full = c.mode === "full";
        return (
          <g key={c.name}>
            {parent && (
              <path
                d={`M${parent.x} ${parent.y + 6}V${here.y}H${here.x - 6}`}
                fill="none"
                stroke="var(--border-strong)"
                strokeWidth="1.5"
              />
            )}
            <rect
              x={here.x - 6}
              y={here.y - 6}
              width="12"
              height="12"
              rx="2"
              fill={full ? "var(--frozen)" : "var(--panel)"}
              stroke="var(--frozen)"
              strokeWidth="2"
            />
            <text x={here.x + 14} y={here.y + 4} fontSize="12" fontFamily="var(--font-mono)" fill="var(--ink)">
              {c.name}
              <tspan fill="var(--ink-3)">
                {`  ${c.mode} · ${formatBytes(c.figures.bytes)} · ${c.figures.pages} pages${c.available ? "" : " · gone with its guest"}`}
              </tspan>
            </text>
          </g>
        );
      })}
    </svg>
  );
}

export function Checkpoints({ view, onRead }: { view: ExperimentView; onRead: OnRead | null }) {
  const [name, setName] = useState<string | null>(null);
  const shown = view.checkpoints.find((c) => c.name === name) ?? view.checkpoints.at(-1);
  return (
    <>
      {view.obstacles && (
        <section className={styles.card}>
          <h3>What stands in the way of {view.obstacles.target}</h3>
          {view.obstacles.obstacles.length === 0 ? (
            <p className={styles.none}>Nothing: it can be checkpointed.</p>
          ) : (
            <ul className={styles.log}>
              {view.obstacles.obstacles.map((obstacle) => (
                <li key={obstacle}>{obstacle}</li>
              ))}
            </ul>
          )}
        </section>
      )}
      {view.checkpoints.length === 0 ? (
        <p className={styles.none}>No checkpoint yet.</p>
      ) : (
        <>
          <section className={styles.card}>
            <h3>Chain</h3>
            <Chain checkpoints={view.checkpoints} />
          </section>
          <section className={styles.card}>
            <h3>Figures</h3>
            <table>
              <thead>
                <tr>
                  <th scope="col">Checkpoint</th>
                  <th scope="col" className="num">
                    Bytes
                  </th>
                  <th scope="col" className="num">
                    Pages
                  </th>
                  <th scope="col" className="num">
                    Frozen
                  </th>
                  <th scope="col" className="num">
                    Total
                  </th>
                </tr>
              </thead>
              <tbody>
                {view.checkpoints.map((c) => (
                  <tr key={c.name}>
                    <td>
                      <button
                        type="button"
                        className="btn quiet"
                        aria-pressed={c.name === shown?.name}
                        onClick={() => setName(c.name)}
                      >
                        {c.name}
                      </button>
                    </td>
                    <td className="num">{formatBytes(c.figures.bytes)}</td>
                    <td className="num">{c.figures.pages}</td>
                    <td className="num">{formatNs(c.figures.frozenNs)}</td>
                    <td className="num">{formatNs(c.figures.totalNs)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          {shown && <ImageView checkpoints={view.checkpoints} shown={shown} onRead={onRead} />}
        </>
      )}
    </>
  );
}
