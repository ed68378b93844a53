import { type Action, type ActionId, type ExperimentView, planStoppedAt, remainingPlan } from "@crlab/shared";
import { Said } from "../said";
import styles from "./bench.module.css";

interface Props {
  view: ExperimentView;
  /** What its driver may do now; null for those who watch. */
  actions: readonly Action[] | null;
  onAction: (id: ActionId) => void;
  onRunAgain: () => void;
}

/** After a planned step has failed: what it means, what was not done, and what one can do. */
export function PlanStopped({ view, actions, onAction, onRunAgain }: Props) {
  const step = planStoppedAt(view);
  if (step === undefined) return null;
  const left = remainingPlan(view).length;
  const may = (id: ActionId) => actions?.some((a) => a.id === id && a.possible) ?? false;
  return (
    <section className={styles.stopped} aria-label="The plan has stopped" data-testid="plan-stopped">
      <p>
        <b>
          Step {step.stepNo} ({step.kind}) failed: the verdict is fail.
        </b>{" "}
        {left === 0
          ? "It was the last planned step."
          : left === 1
            ? "The planned step after it was not run."
            : `The ${left} planned steps after it were not run.`}{" "}
        {actions === null
          ? view.status === "ended" || view.status === "interrupted"
            ? ""
            : "Its guest still stands, so that its driver can look into it."
          : view.guest?.state === "up"
            ? "The guest still stands: look around in a shell, or go on by hand."
            : step.kind === "boot"
              ? "No guest came up: boot again to go on by hand."
              : "The guest is gone: boot again to go on by hand."}
      </p>
      {step.error && actions !== null && (
        <p className={styles.cause}>
          <Said text={step.error.message} />
          {step.error.hint !== undefined && (
            <span>
              <Said text={step.error.hint} />
            </span>
          )}
        </p>
      )}
      {actions !== null && (
        <div className={styles.choices}>
          {may("runPlan") && (
            <button type="button" className="btn" onClick={() => onAction("runPlan")}>
              Run the rest
            </button>
          )}
          <button type="button" className="btn" onClick={onRunAgain}>
            Run again from the start
          </button>
          {may("end") && (
            <button type="button" className="btn" onClick={() => onAction("end")}>
              End
            </button>
          )}
        </div>
      )}
    </section>
  );
}
