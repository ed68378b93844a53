import { type ExperimentView, formatBytes, formatCount, formatMs, formatNs } from "@crlab/shared";
import styles from "./inspector.module.css";

/** The three figures one looks for first, of checkpoints or else of migrations. Their place is there before they are. */
export function Figures({ view }: { view: ExperimentView }) {
  return (
    <dl className={styles.figures} data-testid="figures">
      {firstFigures(view).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function firstFigures({ checkpoints, restores, migrations }: ExperimentView): [name: string, value: string | number][] {
  const checkpoint = checkpoints.at(-1);
  const restore = restores.at(-1);
  const moved = migrations.findLast((m) => m.state === "moved");
  const moving = migrations.at(-1);
  if (!checkpoint && moving?.state === "running")
    return [
      ["rounds so far", moving.rounds.length],
      ["over the link", formatBytes(moving.rounds.reduce((sum, round) => sum + round.bytes, 0))],
      ["frozen, last round", formatNs(moving.rounds.at(-1)?.frozenNs ?? 0)],
    ];
  if (!checkpoint && moved)
    return [
      ["down, last move", moved.downtimeMs === null ? "–" : formatMs(moved.downtimeMs)],
      ["rounds", moved.rounds.length],
      ["over the link", moved.bytes === null ? "–" : formatBytes(moved.bytes)],
    ];
  return [
    [`frozen${checkpoint ? `, ${checkpoint.name}` : ""}`, checkpoint ? formatNs(checkpoint.figures.frozenNs) : "–"],
    [`restore${restore ? `, ${restore.checkpoint}` : ""}`, restore ? formatNs(restore.figures.totalNs) : "–"],
    ["pages written", checkpoint ? formatCount(checkpoint.figures.pages) : "–"],
  ];
}
