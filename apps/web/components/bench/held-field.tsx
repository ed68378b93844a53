"use client";
import type { ExperimentView } from "@crlab/shared";
import { useState } from "react";
import { type HeldPath, heldPaths } from "../../lib/held";

interface Props {
  view: ExperimentView;
  preset: HeldPath | undefined;
}

const ANY = "";

/** How a step names what was chosen: by descriptor where it can, else by path. */
export function spokenOf(view: ExperimentView, form: FormData, pathField: "path" | "from"): Record<string, unknown> {
  const chosen = heldPaths(view).find((h) => h.key === form.get("held"));
  if (chosen && "fd" in chosen.by) return chosen.by;
  return { [pathField]: chosen?.path ?? String(form.get(pathField) ?? "").trim() };
}

/** Chooses among the paths that processes hold; any other path can be typed. */
export function HeldField({
  view,
  preset,
  name,
  onChoose,
}: Props & { name: string; onChoose?: (held: HeldPath | undefined) => void }) {
  const paths = heldPaths(view);
  const [key, setKey] = useState(preset?.key ?? paths[0]?.key ?? ANY);
  return (
    <>
      <label>
        What
        <select
          className="field"
          name="held"
          value={key}
          onChange={(event) => {
            setKey(event.currentTarget.value);
            onChoose?.(paths.find((h) => h.key === event.currentTarget.value));
          }}
        >
          {paths.map((h) => (
            <option key={h.key} value={h.key}>
              {h.label}
            </option>
          ))}
          <option value={ANY}>Any path …</option>
        </select>
      </label>
      {key === ANY && (
        <label>
          Path in the guest
          <input className="field mono" name={name} required autoComplete="off" />
        </label>
      )}
    </>
  );
}

const renamed = (held: HeldPath | undefined): string => (held === undefined ? "" : `${held.path}.renamed`);

export function RenameFields({ view, preset }: Props) {
  const [to, setTo] = useState(renamed(preset ?? heldPaths(view)[0]));
  return (
    <>
      <HeldField view={view} preset={preset} name="from" onChoose={(held) => setTo(renamed(held))} />
      <label>
        To
        <input
          className="field mono"
          name="to"
          required
          autoComplete="off"
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
      </label>
    </>
  );
}
