import { type CheckpointView, formatBytes, formatNs } from "@crlab/shared";
import { type ChainRow, chainRows } from "../../lib/chain-graph";
import styles from "./inspector.module.css";

const ROW = 30;
const LANE = 14;
const MIDDLE = ROW / 2;
const xOf = (lane: number) => 9 + lane * LANE;

/** The chain as a graph and its figures: a row each; the chosen one's image is shown below. */
export function Chain({
  checkpoints,
  chosen,
  onChoose,
}: {
  checkpoints: readonly CheckpointView[];
  chosen: string | undefined;
  onChoose: (name: string) => void;
}) {
  const rows = chainRows(checkpoints);
  const lanes = Math.max(...rows.map((r) => Math.max(r.lane, ...r.through, ...r.toBelow))) + 1;
  return (
    <table className={styles.chain} data-testid="chain">
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
        {checkpoints.map((c, i) => (
          <tr key={c.name} data-chosen={c.name === chosen}>
            <td>
              <div className={styles.link}>
                <Knot row={rows[i]} lanes={lanes} full={c.parent === null} />
                <button
                  type="button"
                  className="btn quiet"
                  aria-pressed={c.name === chosen}
                  title={`${c.mode} checkpoint of ${c.target}${c.parent === null ? "" : `, on ${c.parent}`}${c.available ? "" : "; its image went with the guest"}`}
                  onClick={() => onChoose(c.name)}
                >
                  {c.name}
                </button>
                {!c.available && <span className="tag">gone</span>}
              </div>
            </td>
            <td className="num">{formatBytes(c.figures.bytes)}</td>
            <td className="num">{c.figures.pages}</td>
            <td className="num">{formatNs(c.figures.frozenNs)}</td>
            <td className="num">{formatNs(c.figures.totalNs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
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
