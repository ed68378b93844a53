/** Experiment files: YAML or JSON in, the model or errors with file, line, field and what is allowed out. */
import { isMap, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { step } from "./experiment.js";
import { type ExperimentFile, experimentFile } from "./experiment-file.js";
import { sweepGrid } from "./sweep.js";
import { findWorkload, workloadNames } from "./workloads.js";

export const MAX_FILE_BYTES = 256 * 1024;
/** What comes after so many follows from them, mostly. */
const MOST_ERRORS = 50;
/** What its reader says of thousands of brackets in one another. */
const TOO_DEEP = /call stack/;

export interface FileError {
  file: string;
  line: number;
  column: number;
  /** `steps[2].mode`; empty: the file as a whole. */
  field: string;
  message: string;
}

export type ParsedFile = { ok: true; file: ExperimentFile } | { ok: false; errors: FileError[] };

/** `file:line:column: field: message`, as compilers print it. */
export const formatFileError = (e: FileError): string =>
  `${e.file}:${e.line}:${e.column}: ${e.field === "" ? "" : `${e.field}: `}${e.message}`;

export function parseExperimentFile(text: string, name: string): ParsedFile {
  if (text.length > MAX_FILE_BYTES)
    return one(name, `larger than ${MAX_FILE_BYTES / 1024} KiB: not an experiment file`);
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (doc.errors.length > 0)
    return {
      ok: false,
      errors: doc.errors.slice(0, MOST_ERRORS).map(({ pos, message }) => ({
        file: name,
        ...place(pos[0]),
        field: "",
        message: `not YAML: ${TOO_DEEP.test(message) ? "nested too deep" : message}`,
      })),
    };
  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: 20 });
  } catch (error) {
    return one(name, `not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = experimentFile.safeParse(value);
  const wrong = [...(parsed.success ? [] : explained(parsed.error, value)), ...impossible(value)];
  if (parsed.success && wrong.length === 0) return { ok: true, file: parsed.data };

  /** Where a field stands; a missing one: where its parent does. */
  const offsetOf = (path: readonly PropertyKey[]): number => {
    for (let n = path.length; n > 0; n--) {
      const parent: unknown = n === 1 ? doc.contents : doc.getIn(path.slice(0, n - 1), true);
      if (isMap(parent)) {
        const pair = parent.items.find((i) => String(i.key) === String(path[n - 1]));
        const key: unknown = pair?.key;
        const start = rangeStart(key);
        if (start !== undefined) return start;
      }
      const start = rangeStart(doc.getIn(path.slice(0, n), true));
      if (start !== undefined) return start;
    }
    return rangeStart(doc.contents) ?? 0;
  };
  const errors = wrong.map(({ path, message }) => ({
    file: name,
    ...place(offsetOf(path)),
    field: fieldName(path),
    message,
  }));
  errors.sort((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, errors: errors.slice(0, MOST_ERRORS) };
}

const one = (file: string, message: string): ParsedFile => ({
  ok: false,
  errors: [{ file, line: 1, column: 1, field: "", message }],
});

function rangeStart(node: unknown): number | undefined {
  const shape = z.object({ range: z.array(z.number()).min(1) }).safeParse(node);
  return shape.success ? shape.data.range[0] : undefined;
}

const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (s, p) => (typeof p === "number" ? `${s}[${p}]` : s === "" ? String(p) : `${s}.${String(p)}`),
    "",
  );

interface Explained {
  path: readonly PropertyKey[];
  message: string;
}

/** What no run of it could do. Known here, not in the model: what was run long ago may have had others. */
function impossible(file: unknown): Explained[] {
  const steps = stepsIn.safeParse(file).data?.steps ?? [];
  return steps.flatMap(({ workload, output, command = [], args = [] }, n): Explained[] => [
    ...(workload === undefined || findWorkload(workload)
      ? []
      : [
          {
            path: ["steps", n, "workload"],
            message: `there is no workload ${show(workload)}; there are: ${workloadNames.join(", ")}`,
          },
        ]),
    ...(output === undefined || isPattern(output)
      ? []
      : [{ path: ["steps", n, "output"], message: `${show(output)} is not a regular expression` }]),
    ...Object.entries({ command, args }).flatMap(([field, words]) =>
      words.flatMap((word, at) =>
        word.includes("\0")
          ? [{ path: ["steps", n, field, at], message: `${show(word)}: no word holds a zero byte` }]
          : [],
      ),
    ),
  ]);
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

const text = z.string().optional().catch(undefined);
const words = z.array(z.string()).optional().catch(undefined);
/** What is looked at of its steps, whatever else is wrong with them. */
const stepsIn = z.object({
  steps: z.array(z.object({ workload: text, output: text, command: words, args: words }).catch({})),
});

const explained = (error: z.ZodError, root: unknown): Explained[] =>
  error.issues.flatMap((issue) => explain(issue, root));

/** An issue in a person's words, with what is allowed. */
function explain(issue: z.core.$ZodIssue, root: unknown): Explained[] {
  const { path } = issue;
  const got = at(root, path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const allowed = allowedKeys(path, root);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown field; allowed: ${allowed.join(", ")}`,
      }));
    }
    case "invalid_union":
      if (path[0] === "sweep") return [{ path, message: `${show(got)} is neither a number nor a text` }];
      return [
        {
          path,
          message: `${got === undefined ? "missing" : `unknown step ${show(got)}`}; allowed: ${stepKinds.join(", ")}`,
        },
      ];
    case "invalid_value":
      return [
        {
          path,
          message: `${got === undefined ? "missing" : `${show(got)} is not allowed`}; allowed: ${issue.values.join(", ")}`,
        },
      ];
    case "invalid_type":
      return [
        {
          path,
          message:
            got === undefined
              ? `missing; a ${typeName(issue.expected)} is needed`
              : `${show(got)} is not a ${typeName(issue.expected)}`,
        },
      ];
    default:
      return [{ path, message: plain(issue, got) }];
  }
}

function plain(issue: z.core.$ZodIssue, got: unknown): string {
  const value = got === undefined || typeof got === "object" ? "" : `${show(got)}: `;
  if (issue.code === "too_small") return `${value}at least ${issue.minimum}${unit(issue.origin)} needed`;
  if (issue.code === "too_big") return `${value}at most ${issue.maximum}${unit(issue.origin)} allowed`;
  return `${value}${issue.message}`;
}

const unit = (origin: string): string => (origin === "string" ? " characters" : origin === "array" ? " entries" : "");
const typeName = (expected: string): string =>
  ({ int: "whole number", array: "list", object: "map of fields", string: "text", boolean: "true or false" })[
    expected
  ] ?? expected;

function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    return "what holds itself, by an alias,";
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

const stepKinds = step.options.map((option) => option.shape.kind.value);

function allowedKeys(path: readonly PropertyKey[], root: unknown): string[] {
  if (path.length === 0) return Object.keys(experimentFile.shape);
  if (path.length === 1 && path[0] === "sweep") return Object.keys(sweepGrid.shape);
  const kind = at(root, [...path, "kind"]);
  const option = step.options.find((o) => o.shape.kind.value === kind);
  return option ? Object.keys(option.shape) : [];
}
