"use client";
import { type CheckpointView, type ExperimentView, unreadable } from "@crlab/shared";
import { Chain } from "./chain";
import { HolderLink } from "./error-links";
import { ImageView, type InImage } from "./image-view";
import styles from "./inspector.module.css";
import type { OnRead } from "./not-read";

/** What restores a checkpoint; null where it cannot be. */
export type Restorer = (checkpoint: CheckpointView) => (() => void) | null;

interface Props extends InImage {
  view: ExperimentView;
  /** The checkpoint that is looked at; null: the latest. */
  chosen: string | null;
  onChoose: (name: string) => void;
  onRead: OnRead | null;
  restorer: Restorer;
}

export function Checkpoints({ view, chosen, onChoose, onRead, restorer, ...place }: Props) {
  const shown = view.checkpoints.find((c) => c.name === chosen) ?? view.checkpoints.at(-1);
  const dryRun = view.steps.find((s) => s.stepNo === view.obstacles?.stepNo);
  const foreign = unreadable(view.manifest);
  const restore = shown === undefined ? null : restorer(shown);
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
                <li key={obstacle}>
                  {obstacle} {dryRun && <HolderLink view={view} step={dryRun} text={obstacle} />}
                </li>
              ))}
            </ul>
          )}
        </section>
      )}
      {shown === undefined ? (
        <p className={styles.none}>No checkpoint yet.</p>
      ) : (
        <>
          <section className={styles.card}>
            <h3 className={styles.withAction}>
              <span>Chain</span>
              {restore && shown.available && (
                <button type="button" className="btn quiet" onClick={restore}>
                  Restore from {shown.name}
                </button>
              )}
            </h3>
            <Chain
              checkpoints={view.checkpoints}
              chosen={shown.name}
              over={view.status === "ended" || view.status === "interrupted"}
              onChoose={onChoose}
            />
          </section>
          {foreign === null ? (
            <ImageView checkpoints={view.checkpoints} shown={shown} onRead={onRead} {...place} />
          ) : (
            <p className={styles.none}>{foreign}</p>
          )}
        </>
      )}
    </>
  );
}
