import {
  type AlignedStep,
  alignSteps,
  alikes,
  type ExperimentView,
  figureRows,
  formatFigure,
  isTransition,
  nameOfFigure,
  ratio,
  unlikes,
} from "@crlab/shared";
import home from "../../app/home.module.css";
import { letterOf } from "../../lib/series";
import { DataTable } from "../data-table";
import { Link } from "../link";
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
          experiments={views.map(({ checkpoints, restores, migrations, steps }) => ({
            checkpoints: checkpoints.map((c) => ({ ...c, digest: null })),
            restores,
            migrations,
            steps,
          }))}
        />
      )}
      <section className={home.list} aria-label="Steps side by side">
        <DataTable
          className={styles.table}
          testId="comparison"
          rows={rows.flatMap(linesOf)}
          keyOf={({ place, name }) => `${place} ${name}`}
          marks={({ name, row }) =>
            name === STEP_TIME ? { "data-step": true, "data-transition": isTransition(row) } : { "data-step": false }
          }
          columns={[
            {
              head: "Step",
              rowHead: true,
              cell: ({ name, row }) =>
                name === STEP_TIME ? (
                  <span className={styles.step}>
                    <span className="few">{row.what}</span>
                    {isTransition(row) && <span className="tag unlinked">differs</span>}
                  </span>
                ) : (
                  nameOfFigure(name)
                ),
            },
            ...subjects.map((s, at) => ({
              head: (
                <span className={styles.who}>
                  <span>
                    {letterOf(at)} <Link href={`/x/${s.id}`}>{s.view.title}</Link>
                  </span>
                  <VerdictPill view={s.view} />
                </span>
              ),
              num: true,
              cell: (line: Line) => <Value line={line} at={at} />,
            })),
          ]}
        />
      </section>
    </>
  );
}

const STEP_TIME = "stepMs";

/** A step with its time, or one of its figures. */
interface Line {
  row: AlignedStep;
  place: number;
  name: string;
  values: (number | null)[];
}

function linesOf(row: AlignedStep, place: number): Line[] {
  const figures = figureRows(row).filter(({ name }) => name !== STEP_TIME);
  const time = { name: STEP_TIME, values: row.steps.map((s) => s?.ms ?? null) };
  return [time, ...figures].map((figure) => ({ row, place, ...figure }));
}

/** What a line says of one of the experiments; beside it, how it is to the first. */
function Value({ line: { row, name, values }, at }: { line: Line; at: number }) {
  const step = row.steps[at] ?? null;
  const value = values[at] ?? null;
  if (step === null)
    return (
      <>
        <span className="dim">–</span>
        {at > 0 && <span className={styles.ratio} />}
      </>
    );
  return (
    <>
      {name === STEP_TIME && step.state !== "ok" && <span className="pill failed">{step.state}</span>}{" "}
      {value === null ? <span className="dim">–</span> : formatFigure(name, value)}
      {at > 0 && <span className={styles.ratio}>{ratio(value, values[0] ?? null)}</span>}
      {name === STEP_TIME && step.error && <p className={`few ${styles.error}`}>{step.error.message}</p>}
    </>
  );
}

interface Choice {
  chosen: readonly string[];
  others: readonly { id: string; title: string; when: string }[];
}

/** A plain form: it works as an address, and without a script. */
export function ChooseOther({ chosen, others }: Choice) {
  return (
    <form action="/compare" className={styles.choose}>
      {chosen.map((id) => (
        <input key={id} type="hidden" name="x" value={id} />
      ))}
      {others.length > 0 && (
        <label>
          {chosen.length === 0 ? "Begin with" : "Put beside"}
          <select className="field" name="other">
            {others.map((o) => (
              <option key={o.id} value={o.id}>
                {o.title} · {o.when} · {o.id}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        {others.length > 0 ? "or one by its link" : "One by its link"}
        <input className="field" name="link" placeholder="/x/…" maxLength={300} autoComplete="off" spellCheck={false} />
      </label>
      <button type="submit" className="btn">
        Compare
      </button>
    </form>
  );
}
