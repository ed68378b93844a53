import { type CheckpointView, formatBytes, formatCount, formatNs } from "@crlab/shared";
import { type ChainRow, chainRows } from "../../lib/chain-graph";
import { DataTable } from "../data-table";
import styles from "./inspector.module.css";

const ROW = 30;
const LANE = 14;
const MIDDLE = ROW / 2;
const xOf = (lane: number) => 9 + lane * LANE;

/** The chain as a graph and its figures: a row each; the chosen one's image is shown below. */
export function Chain({
  checkpoints,
  chosen,
  over,
  onChoose,
}: {
  checkpoints: readonly CheckpointView[];
  chosen: string | undefined;
  /** Nothing can be restored any more, from whichever. */
  over: boolean;
  onChoose: (name: string) => void;
}) {
  const rows = chainRows(checkpoints);
  const lanes = Math.max(...rows.map((r) => Math.max(r.lane, ...r.through, ...r.toBelow))) + 1;
  return (
    <DataTable
      className={styles.chain}
      testId="chain"
      rows={checkpoints}
      keyOf={(c) => c.name}
      marks={(c) => ({ "data-chosen": c.name === chosen })}
      columns={[
        {
          head: "Checkpoint",
          cell: (c) => (
            <div className={styles.link}>
              <Knot row={rows[checkpoints.indexOf(c)]} lanes={lanes} full={c.parent === null} />
              <button
                type="button"
                className="btn quiet"
                aria-pressed={c.name === chosen}
                title={`${c.mode} checkpoint of ${c.target}${c.parent === null ? "" : `, on ${c.parent}`}${c.available ? "" : "; its image went with the guest"}`}
                onClick={() => onChoose(c.name)}
              >
                {c.name}
              </button>
              {!c.available && !over && <span className="tag">gone</span>}
            </div>
          ),
        },
        { head: "Bytes", num: true, cell: (c) => formatBytes(c.figures.bytes) },
        { head: "Pages", num: true, cell: (c) => formatCount(c.figures.pages) },
        { head: "Frozen", num: true, cell: (c) => formatNs(c.figures.frozenNs) },
        { head: "Total", num: true, cell: (c) => formatNs(c.figures.totalNs) },
      ]}
    />
  );
}

/** One row of the graph: filled for a full checkpoint, open for an increment. */
function Knot({ row, lanes, full }: { row: ChainRow | undefined; lanes: number; full: boolean }) {
  if (!row) return null;
  const x = xOf(row.lane);
  const lines = [
    ...row.through.map((lane) => `M${xOf(lane)} 0V${ROW}`),
    ...(row.fromAbove ? [`M${x} 0V${MIDDLE}`] : []),
    ...row.toBelow.map((lane) =>
      lane === row.lane ? `M${x} ${MIDDLE}V${ROW}` : `M${x} ${MIDDLE}H${xOf(lane)}V${ROW}`,
    ),
  ];
  return (
    <svg width={lanes * LANE + 6} height={ROW} aria-hidden="true">
      <path d={lines.join("")} fill="none" stroke="var(--border-strong)" strokeWidth="1.5" />
      <rect
        x={x - 5}
        y={MIDDLE - 5}
        width="10"
        height="10"
        rx="2"
        fill={full ? "var(--frozen)" : "var(--panel)"}
        stroke="var(--frozen)"
        strokeWidth="2"
      />
    </svg>
  );
}
