"use client";
import type { Action, ActionId, TargetView } from "@crlab/shared";
import { useState } from "react";
import { actionKeys } from "../../lib/shortcuts";
import { Said } from "../said";
import styles from "./bench.module.css";

/** Short enough for a narrow zone; the full label is the button's name. */
const shortLabels: Partial<Record<ActionId, string>> = {
  runPlan: "Run plan",
  runNext: "Next step",
  start: "Start",
  checkpointFull: "Checkpoint",
  checkpointIncremental: "Increment",
  dryRun: "Dry run",
  run: "Run …",
  shell: "Shell",
};

interface Props {
  actions: readonly Action[];
  onAction: (id: ActionId) => void;
  targets: readonly TargetView[];
  /** The one that actions are about. */
  target: TargetView | undefined;
  onTarget: (name: string) => void;
}

/** What can be done now; what cannot says why when one points at it or asks for it. */
export function ActionBar({ actions, onAction, targets, target, onTarget }: Props) {
  const [why, setWhy] = useState<string | null>(null);
  return (
    <div className={styles.actions} role="toolbar" aria-label="Actions" data-testid="actions">
      {targets.length > 1 && (
        <label className={styles.target}>
          Acts on
          <select className="field" value={target?.name} onChange={(event) => onTarget(event.currentTarget.value)}>
            {targets.map((t) => (
              <option key={t.name} value={t.name}>
                {t.name}, {t.alive ? `pid ${t.pid}` : "not running"}
              </option>
            ))}
          </select>
        </label>
      )}
      {actions.map((action) => {
        const key = actionKeys[action.id];
        const reason = action.reason === null ? null : `${action.label}: ${action.reason}`;
        return (
          <button
            key={action.id}
            type="button"
            className="btn"
            data-action={action.id}
            aria-disabled={!action.possible}
            aria-keyshortcuts={key}
            aria-label={action.label}
            title={reason ?? action.label}
            onFocus={() => setWhy(reason)}
            onBlur={() => setWhy(null)}
            onMouseEnter={() => setWhy(reason)}
            onMouseLeave={() => setWhy(null)}
            onClick={() => action.possible && onAction(action.id)}
          >
            {shortLabels[action.id] ?? action.label}
            {key && <kbd>{key}</kbd>}
          </button>
        );
      })}
      <p className={styles.why} role="status">
        {why !== null && <Said text={why} />}
      </p>
    </div>
  );
}
