"use client";
import {
  type ExperimentFile,
  experimentFile,
  isRepeated,
  possibleAxes,
  type Setting,
  sweepGrid,
  sweepRuns,
} from "@crlab/shared";
import { type FormEvent, useState } from "react";
import home from "../../app/home.module.css";
import { useHydrated } from "../../lib/hydrated";
import { formatAbout } from "../../lib/time";
import { useCreate } from "../create-button";
import { ErrorNote } from "../error-note";
import { useKernels } from "../kernel-options";
import styles from "./sweep.module.css";

/** What names of values mean, for who has not read the documents. */
const meanings: Record<string, string> = {
  "soft-dirty": "mainline's bit: a fault on the first write to a page",
  wp: "write protection: a fault on the first write to a page",
  scan: "the CPU's own dirty bits, read by a walk",
  hash: "all contents are read, and compared by their hashes",
  auto: "as checkpoint(1) chooses",
  relink: "it is given a new name",
  copy: "its contents go into the image",
  cr: "patched",
  base: "unpatched",
  debug: "patched, with KASAN and lockdep",
  kernel: "checkpoint(2) and restart(2)",
  criu: "CRIU, as the guest's Debian has it",
};

/** What the axes are called for people. */
const names: Record<string, string> = {
  kernel: "Kernel",
  engine: "Engine",
  tracker: "Tracker of changed pages",
  unlinked: "Files without a name",
  memMiB: "Memory, MiB",
  cpus: "CPUs",
};

type Chosen = Readonly<Record<string, readonly Setting[]>>;

const listed = (text: string): Setting[] =>
  text
    .split(/[\s,]+/)
    .filter((value) => value !== "")
    .map((value) => (/^\d+(\.\d+)?$/.test(value) ? Number(value) : value));

export interface SweepBase {
  file: ExperimentFile;
  /** How long a run of it takes, as far as that is known. */
  runMs: number;
}

/** A sweep of one of the lab's experiments: what to vary, how often, and how many runs that makes. */
export function NewSweep({ bases, first }: { bases: readonly SweepBase[]; first: string }) {
  const { create, busy, error } = useCreate();
  const hydrated = useHydrated();
  const kernels = useKernels();
  const [at, setAt] = useState(() =>
    Math.max(
      0,
      bases.findIndex(({ file }) => file.title === first),
    ),
  );
  const [repeats, setRepeats] = useState(3);
  const [chosen, setChosen] = useState<Chosen>({});
  const chosenBase = bases[at];
  if (!chosenBase) return null;
  const { file: base, runMs } = chosenBase;
  const axes = Object.entries(possibleAxes(base, kernels));
  const over = Object.fromEntries(axes.map(([axis]) => [axis, chosen[axis] ?? []]).filter(([, v]) => v?.length));
  const { sweep: _, ...rest } = base;
  const parsed = experimentFile.safeParse({ ...rest, sweep: { repeats, over } });
  const grid = sweepGrid.safeParse({ repeats, over });
  const runs = parsed.success && grid.success ? sweepRuns(grid.data).length : 0;
  const problems = Object.keys(over).length === 0 || parsed.success ? [] : parsed.error.issues;

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (parsed.success && !busy) create({ type: "create", file: parsed.data, autorun: true });
  };
  return (
    <form className={styles.form} onSubmit={submit} aria-label="New sweep">
      {error && <ErrorNote error={error} />}
      <label>
        Experiment
        <select
          className="field"
          value={at}
          onChange={(event) => {
            setAt(Number(event.currentTarget.value));
            setChosen({});
          }}
        >
          {bases.map(({ file: { title } }, i) => (
            <option key={title} value={i}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <fieldset className={styles.axes} key={at}>
        <legend>Vary</legend>
        {axes.map(([axis, values]) => {
          const name = names[axis] ?? axis;
          if (values.length > 1)
            return (
              <Several
                key={axis}
                name={name}
                values={values}
                chosen={chosen[axis] ?? []}
                onChange={(list) => setChosen({ ...chosen, [axis]: list })}
              />
            );
          const field = `axis-${axis.replace(/^-+/, "")}`;
          return [
            <label key={`${axis} label`} htmlFor={field} className={axis.startsWith("--") ? "mono" : ""}>
              {name}
            </label>,
            <input
              key={axis}
              id={field}
              className="field"
              placeholder={`${values[0]}, …`}
              onChange={(event) => setChosen({ ...chosen, [axis]: listed(event.currentTarget.value) })}
            />,
          ];
        })}
        <label htmlFor="repeats">Repeats of each point</label>
        <input
          id="repeats"
          className="field"
          type="number"
          min={1}
          max={50}
          value={repeats}
          onChange={(event) => setRepeats(Number(event.currentTarget.value))}
        />
      </fieldset>
      {problems.length > 0 && (
        <div role="alert">
          <ul className={home.errors}>
            {problems.map((p) => (
              <li key={`${p.path.join(".")} ${p.message}`}>
                {p.path.slice(2).join(", ") || "sweep"}: {p.message}
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className={styles.count}>
        <button type="submit" className="btn primary" disabled={!hydrated || !parsed.success || runs === 0}>
          Run sweep
        </button>
        <span className="dim" role="status">
          {runs === 0
            ? "Choose what to vary, or repeat it."
            : `${runs} ${runs === 1 ? "run" : "runs, one after the other"}: ${formatAbout(runs * runMs)}.${
                grid.success && isRepeated(grid.data) ? " Nothing is varied: they say how far its figures spread." : ""
              }`}
        </span>
      </div>
    </form>
  );
}

function Several({
  name,
  values,
  chosen,
  onChange,
}: {
  name: string;
  values: readonly Setting[];
  chosen: readonly Setting[];
  onChange: (chosen: Setting[]) => void;
}) {
  return (
    <>
      <span id={`axis-${name.replaceAll(" ", "-")}`}>{name}</span>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset in a grid cell would need its legend there, too */}
      <div className={styles.options} role="group" aria-labelledby={`axis-${name.replaceAll(" ", "-")}`}>
        {values.map((value) => (
          <label key={value} title={meanings[value]}>
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              onChange={(event) =>
                onChange(values.filter((v) => (v === value ? event.currentTarget.checked : chosen.includes(v))))
              }
            />
            <span className="mono">{value}</span>
          </label>
        ))}
        {values.some((value) => chosen.includes(value) && meanings[value]) && (
          <ul className={styles.meanings}>
            {values
              .filter((value) => chosen.includes(value) && meanings[value])
              .map((value) => (
                <li key={value}>
                  <span className="mono">{value}</span>: {meanings[value]}
                </li>
              ))}
          </ul>
        )}
      </div>
    </>
  );
}
