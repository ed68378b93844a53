import { PLOT, type SweepChart, type SweepCharts } from "../../lib/sweep-chart";
import styles from "./sweep.module.css";

const COLOURS = 5;

/** Medians as lines, the spread as a bar through each: drawn by the server, the table below says the same. */
export function SweepPlot({
  chart,
  shared,
  title,
  format,
}: {
  chart: SweepChart;
  shared: Pick<SweepCharts, "ticks" | "xs">;
  title: string;
  format: (value: number) => string;
}) {
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.key}>
        {chart.title !== "" && <b>{chart.title}</b>}
        {chart.lines.map(
          (line, i) =>
            line.label !== "" && (
              <span key={line.label}>
                <svg viewBox="0 0 30 10" aria-hidden="true">
                  <line className={styles.line} data-line={i % COLOURS} x1="0" x2="30" y1="5" y2="5" />
                </svg>
                {line.label}
              </span>
            ),
        )}
      </figcaption>
      <svg viewBox={`0 0 ${PLOT.width} ${PLOT.height}`} role="img" aria-label={`${title}. The table has the values.`}>
        {shared.ticks.map(({ y, value }) => (
          <g key={value}>
            <line className={styles.grid} x1={PLOT.left} x2={PLOT.width - PLOT.right} y1={y} y2={y} />
            <text x={PLOT.left - 8} y={y + 4} textAnchor="end">
              {format(value)}
            </text>
          </g>
        ))}
        {shared.xs.map(({ x, label }) => (
          <text key={label} x={x} y={PLOT.height - 10} textAnchor="middle">
            {label}
          </text>
        ))}
        {chart.lines.map((line, i) => (
          <g key={line.label}>
            <polyline
              className={styles.line}
              data-line={i % COLOURS}
              points={line.dots.map((d) => `${d.x},${d.median}`).join(" ")}
            />
            {line.dots.map((d) => (
              <g key={d.x}>
                <title>{d.said}</title>
                <path
                  className={styles.line}
                  data-line={i % COLOURS}
                  data-part="spread"
                  d={`M${d.x} ${d.least}V${d.most}M${d.x - 3} ${d.least}h6M${d.x - 3} ${d.most}h6`}
                />
                <circle className={styles.line} data-line={i % COLOURS} data-part="dot" cx={d.x} cy={d.median} r="3" />
                {/* Easier to point at. */}
                <circle cx={d.x} cy={d.median} r="9" opacity="0" />
              </g>
            ))}
          </g>
        ))}
      </svg>
    </figure>
  );
}
