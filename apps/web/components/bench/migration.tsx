import { describeStop, formatBytes, formatMs, formatNs, type MigrationView, roundShare } from "@crlab/shared";
import styles from "./migration.module.css";

/** Rounds of a migration, a bar each as it is over: the last one, for which the process stood still, stands out. */
export function MigrationRounds({ migration }: { migration: MigrationView | undefined }) {
  if (migration === undefined) return <div className={styles.note}>another guest is booted …</div>;
  const { rounds, state, stopped, mibPerS, latencyMs } = migration;
  const link = `${mibPerS === null ? "as fast as it goes" : `${mibPerS} MiB/s`}, ${latencyMs} ms`;
  return (
    <div className={styles.migration} data-testid={`migration-${migration.stepNo}`} data-state={state}>
      <div className={styles.note}>
        guest {migration.fromGuest} → guest {migration.toGuest} · {link}
      </div>
      <ol className={styles.rounds} aria-label="Rounds">
        {rounds.map((round) => (
          <li key={round.round} data-final={round.final}>
            <span className={styles.no}>{round.final ? "still" : round.round}</span>
            <svg className={styles.track} aria-hidden="true">
              <rect className={styles.bar} width={`${Math.max(0.5, 100 * roundShare(round, rounds))}%`} height="100%" />
            </svg>
            <span className={styles.value}>
              {formatBytes(round.bytes)} · {formatMs(round.ms)}
              <span className="visually-hidden">
                {`, ${round.pages} pages, stood still for ${formatNs(round.frozenNs)}`}
              </span>
            </span>
          </li>
        ))}
        {state === "running" && (
          <li data-running="true">
            <span className={styles.no}>{rounds.length + 1}</span>
            <span className={styles.track} />
            <span className={styles.value}>on its way …</span>
          </li>
        )}
      </ol>
      {stopped !== null && <div className={styles.note}>{describeStop(stopped)}</div>}
      {state === "failed" && <div className={styles.note}>it goes on in guest {migration.fromGuest}</div>}
    </div>
  );
}
