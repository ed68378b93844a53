"use client";
import type { ExperimentFile } from "@crlab/shared";
import type { FileError } from "@crlab/shared/parse";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import home from "../../app/home.module.css";
import { useHydrated } from "../../lib/hydrated";
import { useKernels } from "../kernel-options";
import type { Editor } from "./code-mirror";
import styles from "./editor.module.css";

const LABEL = "Experiment file (YAML or JSON)";
const DRAFT = "crlab-draft";

export interface Template {
  title: string;
  text: string;
}

interface Props {
  /** What to begin with; null: what was last written here. */
  begin: string | null;
  templates: readonly Template[];
  busy: boolean;
  onRun(file: ExperimentFile): void;
}

/** An experiment file, written with completion and errors in their places, kept as a draft, saved, and run. */
export function FileEditor({ begin, templates, busy, onRun }: Props) {
  const hydrated = useHydrated();
  const [problems, setProblems] = useState<{ said: string; error: FileError }[]>([]);
  const [shown, setShown] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<Editor | null>(null);
  const text = () => editor.current?.text() ?? plain.current?.value ?? "";

  const check = async (): Promise<ExperimentFile | null> => {
    // The YAML reader is loaded when it is used.
    const { formatFileError, parseExperimentFile } = await import("@crlab/shared/parse");
    const parsed = parseExperimentFile(text(), "file");
    setProblems(parsed.ok ? [] : parsed.errors.map((error) => ({ said: formatFileError(error), error })));
    return parsed.ok ? parsed.file : null;
  };
  const run = async () => {
    const file = await check();
    if (file && !busy) onRun(file);
  };
  const latestRun = useRef(run);
  latestRun.current = run;
  const kernels = useKernels();
  const latestKernels = useRef(kernels);
  latestKernels.current = kernels;

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what it calls is looked up when it is called
  useEffect(() => {
    let over = false;
    if (plain.current && plain.current.value === "" && begin === null)
      plain.current.value = localStorage.getItem(DRAFT) ?? "";
    void import("./code-mirror").then(({ makeEditor }) => {
      if (over || !box.current) return;
      editor.current = makeEditor({
        parent: box.current,
        text: plain.current?.value ?? "",
        label: LABEL,
        kernels: () => latestKernels.current,
        onChange: (now) => localStorage.setItem(DRAFT, now),
        onRun: () => void latestRun.current(),
      });
      // At once: what is typed into the plain field after this would be lost.
      flushSync(() => setShown(true));
    });
    return () => {
      over = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);

  const save = () => {
    const title = /^title:\s*["']?(.*?)["']?\s*$/m.exec(text())?.[1] ?? "";
    const name =
      title
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "") || "experiment";
    const url = URL.createObjectURL(new Blob([text()], { type: "application/yaml" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${name}.yaml`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const take = (at: number) => {
    const template = templates[at];
    if (!template) return;
    setProblems([]);
    if (editor.current) editor.current.replace(template.text);
    else if (plain.current) plain.current.value = template.text;
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void run();
  };
  return (
    <form className={styles.editor} onSubmit={submit}>
      <div className={styles.bar}>
        <span aria-hidden="true">{LABEL}</span>
        <select
          className={`field ${styles.from}`}
          aria-label="Begin with"
          value=""
          disabled={!hydrated}
          onChange={(event) => take(Number(event.currentTarget.value))}
        >
          <option value="" disabled>
            Begin with …
          </option>
          {templates.map((t, i) => (
            <option key={t.title} value={i}>
              {t.title}
            </option>
          ))}
        </select>
      </div>
      <div className={styles.box} ref={box} data-testid="editor">
        {!shown && (
          <textarea
            ref={plain}
            className="field"
            name="file"
            aria-label={LABEL}
            required
            spellCheck={false}
            defaultValue={begin ?? ""}
          />
        )}
      </div>
      {/* Where whoever pressed the button looks: above the text it may be out of sight. */}
      {problems.length > 0 && (
        <div role="alert">
          <ul className={home.errors}>
            {problems.map(({ said, error }) => (
              <li key={said}>
                <button
                  type="button"
                  className={styles.problem}
                  title="Go there"
                  onClick={() => editor.current?.goTo(error.line, error.column)}
                >
                  {said}
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className={styles.bar}>
        <button type="submit" className="btn primary" disabled={!hydrated}>
          Run file <kbd>Ctrl ⏎</kbd>
        </button>
        <button type="button" className="btn" disabled={!hydrated} onClick={save}>
          Save as a file
        </button>
        <span className="dim">
          <kbd>Ctrl Space</kbd> shows what may stand here.
        </span>
      </div>
    </form>
  );
}
