"use client";
import { experimentFile } from "@crlab/shared";
import { type FormEvent, useState } from "react";
import styles from "../app/home.module.css";
import { useHydrated } from "../lib/hydrated";
import { useCreate } from "./create-button";
import { FileEditor, type Template } from "./editor/file-editor";
import { ErrorNote } from "./error-note";
import { ImportFile } from "./import-file";
import { KernelOptions } from "./kernel-options";

/** Two ways to begin: by hand from a booted guest, or from a file's text. */
export function NewExperiment({ begin, templates }: { begin: string | null; templates: readonly Template[] }) {
  const { create, busy, error } = useCreate();
  const hydrated = useHydrated();
  const [problems, setProblems] = useState<string[]>([]);

  const byHand = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const parsed = experimentFile.safeParse({
      title: form.get("title"),
      kernel: form.get("kernel"),
      engine: form.get("engine"),
      memMiB: Number(form.get("memMiB")),
      cpus: Number(form.get("cpus")),
      steps: [{ kind: "boot" }],
    });
    setProblems(parsed.success ? [] : parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`));
    if (parsed.success && !busy) create({ type: "create", file: parsed.data, autorun: true }, parsed.data.title);
  };

  return (
    <>
      {error && <ErrorNote error={error} />}
      {problems.length > 0 && (
        <div role="alert">
          <ul className={styles.errors}>
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
      <div className={styles.two}>
        <div>
          <section aria-labelledby="by-hand">
            <h2 id="by-hand">By hand</h2>
            <form className={styles.form} onSubmit={byHand}>
              <label>
                Title
                <input className="field" name="title" required maxLength={120} defaultValue="Untitled experiment" />
              </label>
              <fieldset>
                <legend className="visually-hidden">Guest</legend>
                <label>
                  Kernel
                  <select className="field" name="kernel" defaultValue="cr">
                    <KernelOptions />
                  </select>
                </label>
                <label>
                  Engine
                  <select className="field" name="engine" defaultValue="kernel">
                    <option value="kernel">the kernel’s own</option>
                    <option value="criu">CRIU</option>
                  </select>
                </label>
                <label>
                  Memory, MiB
                  <input className="field" name="memMiB" type="number" min={128} max={8192} defaultValue={512} />
                </label>
                <label>
                  CPUs
                  <input className="field" name="cpus" type="number" min={1} max={8} defaultValue={2} />
                </label>
              </fieldset>
              <div>
                <button type="submit" className="btn primary" disabled={!hydrated}>
                  Boot guest
                </button>
              </div>
            </form>
          </section>
          <ImportFile />
        </div>
        <section aria-labelledby="from-file">
          <h2 id="from-file">From a file</h2>
          <FileEditor
            begin={begin}
            templates={templates}
            busy={busy}
            onRun={(file) => create({ type: "create", file, autorun: true }, file.title)}
          />
        </section>
      </div>
    </>
  );
}
