import {
  type AlignedStep,
  alignSteps,
  alikes,
  type ExperimentView,
  figureRows,
  formatFigure,
  isTransition,
  ratio,
  unlikes,
} from "@crlab/shared";
import Link from "next/link";
import home from "../../app/home.module.css";
import { letterOf } from "../../lib/series";
import { DataTable } from "../data-table";
import { VerdictPill } from "../verdict-pill";
import styles from "./comparison.module.css";
import { OverlaidCharts } from "./overlaid-charts";

export interface Subject {
  id: string;
  view: ExperimentView;
}

/** Experiments side by side. What they are not alike in stands first: their figures differ because of it. */
export function Comparison({ subjects }: { subjects: readonly Subject[] }) {
  const views = subjects.map((s) => s.view);
  const different = unlikes(views);
  const same = alikes(views);
  const rows = alignSteps(views);
  const transitions = rows.filter(isTransition);
  return (
    <>
      {different.length > 0 && (
        <section className={styles.unlike} data-testid="unlike" aria-label="Not alike">
          <b>These were not run alike: figures differ for that reason, too.</b>
          <ul>
            {different.map((d) => (
              <li key={d.what}>
                {d.what}: <span className="mono">{d.values.map((v, i) => `${letterOf(i)} ${v}`).join(" · ")}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {same.length > 0 && (
        <p className={styles.alike} data-testid="alike">
          {subjects.length > 1 ? "Alike in all: " : ""}
          {same.map(({ what, value }) => `${what} ${value}`).join(" · ")}
        </p>
      )}
      {subjects.length > 1 && (
        <p className={styles.summary} data-testid="transitions">
          {transitions.length === 0
            ? "Every step has the same outcome in all of them."
            : `${transitions.length} of ${rows.length} steps have another outcome, or are missing: they are marked.`}
        </p>
      )}
      {subjects.length > 1 && (
        <OverlaidCharts
          experiments={views.map(({ checkpoints, restores, steps }) => ({
            checkpoints: checkpoints.map((c) => ({ ...c, digest: null })),
            restores,
            steps,
          }))}
        />
      )}
      <section className={home.list} aria-label="Steps side by side">
        <DataTable
          className={styles.table}
          testId="comparison"
          rows={rows.map((row, place) => ({ row, place, changed: isTransition(row) }))}
          keyOf={({ place }) => place}
          marks={({ changed }) => ({ "data-transition": changed })}
          columns={[
            {
              head: "Step",
              rowHead: true,
              cell: ({ row, changed }) => (
                <>
                  {row.what}
                  {changed && <span className="tag unlinked">differs</span>}
                </>
              ),
            },
            ...subjects.map((s, at) => ({
              head: (
                <span className={styles.who}>
                  {letterOf(at)} <Link href={`/x/${s.id}`}>{s.view.title}</Link> <VerdictPill view={s.view} />
                </span>
              ),
              cell: ({ row }: { row: AlignedStep }) => <Outcome row={row} at={at} />,
            })),
          ]}
        />
      </section>
    </>
  );
}

/** What a step came to in one of the experiments; figures beside those of the first. */
function Outcome({ row, at }: { row: AlignedStep; at: number }) {
  const step = row.steps[at] ?? null;
  if (step === null) return <span className="dim">–</span>;
  return (
    <>
      {step.state !== "ok" && <span className="pill failed">{step.state}</span>}
      {step.error && <p className={styles.error}>{step.error.message}</p>}
      <dl className={styles.figures}>
        {figureRows(row).map(({ name, values }) => (
          <div key={name}>
            <dt>
              {name === "stepMs"
                ? "step"
                : name.replace(/(Ns|Ms)$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}
            </dt>
            <dd>
              {formatFigure(name, values[at] ?? null)}
              {at > 0 && <span className="dim"> {ratio(values[at] ?? null, values[0] ?? null)}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

interface Choice {
  chosen: readonly string[];
  others: readonly { id: string; title: string; when: string }[];
}

/** A plain form: it works as an address, and without a script. */
export function ChooseOther({ chosen, others }: Choice) {
  if (others.length === 0) return null;
  return (
    <form action="/compare" className={styles.choose}>
      {chosen.map((id) => (
        <input key={id} type="hidden" name="x" value={id} />
      ))}
      <label>
        {chosen.length === 0 ? "Begin with" : "Put beside"}
        <select className="field" name="x">
          {others.map((o) => (
            <option key={o.id} value={o.id}>
              {o.title} · {o.when} · {o.id}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="btn">
        Compare
      </button>
    </form>
  );
}
