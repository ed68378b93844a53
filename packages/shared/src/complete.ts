/**
 * What may stand at a place of an experiment file, for editors. The schemas say it; this finds the place, in text that
 * is half written and so need not be YAML yet. Pure.
 */
import { z } from "zod";
import { labKernel, type StepKind, step } from "./experiment.js";
import { experimentFile } from "./experiment-file.js";
import { sweepAxes, sweepGrid } from "./sweep.js";
import { workloads } from "./workloads.js";

export interface Completion {
  label: string;
  /** What is put in; default: the label. */
  insert?: string;
  /** In a few words: what it is, or what it takes. */
  detail?: string;
}

export interface Completions {
  /** What is completed begins here. */
  from: number;
  options: Completion[];
}

const stepHelp: Record<StepKind, string> = {
  boot: "boot the guest",
  reboot: "shut the guest down or pull its plug, and start it on the disk that is left",
  start: "start a workload on a terminal of its own",
  checkpoint: "checkpoint a process tree",
  unlink: "take a file's name away",
  rename: "give a file another name",
  kill: "kill a process tree",
  restore: "bring a process tree back from a checkpoint",
  migrate: "move a process tree to another guest while it runs",
  verify: "let the workload judge itself",
  wait: "wait for a line of output",
  run: "run a command in the guest to its end",
};

/** One line of a file: where its content begins, and whether it begins an item of a list. */
interface Line {
  /** Column of the first key, after `- `. */
  indent: number;
  /** Column of the `-`; null: no item begins here. */
  dash: number | null;
  key: string | null;
  value: string;
}

function readLine(text: string): Line | null {
  const found = /^(\s*)((?:-\s+)?)(.*)$/.exec(text);
  const [, space = "", dash = "", rest = ""] = found ?? [];
  if (rest.trim() === "" && dash === "" && !/^\s*-\s*$/.test(text)) return null;
  if (rest.startsWith("#")) return null;
  const pair = /^([\w.-]+)\s*:(?:\s+(.*))?$/.exec(rest);
  return {
    indent: space.length + dash.length,
    dash: dash === "" ? null : space.length,
    key: pair?.[1] ?? null,
    value: (pair?.[2] ?? (pair ? "" : rest)).trim(),
  };
}

interface Place {
  /** Keys that lead here, from the top: `steps`, `sweep`, `over`. */
  path: string[];
  /** Keys and values that stand beside it already. */
  beside: Map<string, string>;
}

/** Where a key with this indent, at this line, belongs to. */
function placeOf(lines: readonly (Line | null)[], at: number, indent: number, dash: boolean): Place {
  const beside = new Map<string, string>();
  const note = (line: Line) => line.key !== null && beside.set(line.key, plain(line.value));
  let inside = indent;
  const path: string[] = [];
  let sameItem = !dash;
  for (let i = at - 1; i >= 0; i--) {
    const line = lines[i];
    if (!line) continue;
    if (path.length === 0 && sameItem && line.indent === indent) {
      note(line);
      for (const [key, value] of flowPairs(line.value)) beside.set(key, value);
    }
    if (path.length === 0 && line.dash !== null && line.indent <= indent) sameItem = false;
    const column = line.dash ?? line.indent;
    // A list may stand as far out as the key it belongs to.
    const holds = line.key !== null && line.value === "" && line.dash === null;
    const outer = dash && path.length === 0 ? line.indent < indent : column < inside;
    if (holds && outer) {
      path.unshift(line.key ?? "");
      inside = line.indent;
    }
  }
  if (!dash || lines[at]?.dash !== null)
    for (let i = at + 1; i < lines.length; i++) {
      const line = lines[i];
      if (!line) continue;
      if (line.indent < indent || line.dash !== null) break;
      if (line.indent === indent) note(line);
    }
  return { path, beside };
}

const plain = (value: string): string => value.replace(/\s+#.*$/, "").replace(/^(["'])(.*)\1$/, "$2");

/** `{ kind: run, …`: what stands in braces so far. */
function flowPairs(text: string): [string, string][] {
  const open = text.lastIndexOf("{");
  if (open === -1) return [];
  return [...text.slice(open + 1).matchAll(/([\w.-]+)\s*:\s*([^,{}[\]]*)/g)].map((m) => [
    m[1] ?? "",
    plain((m[2] ?? "").trim()),
  ]);
}

/** What is to be known beside the schemas. */
interface Known {
  text: string;
  /** Kernels by name, those of one's own among them. */
  kernels: readonly string[];
}

export function completeFile(
  text: string,
  offset: number,
  kernels: readonly string[] = labKernel.options,
): Completions | null {
  const known = { text, kernels };
  const before = text.slice(0, offset);
  const at = before.split("\n").length - 1;
  const texts = text.split("\n");
  const current = before.slice(before.lastIndexOf("\n") + 1);
  if (/^\s*#|\s#/.test(current)) return null;
  const lines = texts.map(readLine);
  const flow = current.lastIndexOf("{") > current.lastIndexOf("}");
  if (flow) return inFlow(known, lines, at, current, offset);

  const value = /^(\s*)((?:-\s+)?)([\w.-]+)\s*:\s+(\S*)$/.exec(current);
  if (value) {
    const [, space = "", dash = "", key = "", word = ""] = value;
    const place = placeOf(lines, at, space.length + dash.length, dash !== "");
    return answer(offset, word, valuesOf(known, place, key));
  }
  const listed = /^(\s*)([\w.-]+)\s*:\s+\[([^\]]*)$/.exec(current);
  if (listed) {
    const [, space = "", key = "", inside = ""] = listed;
    const place = placeOf(lines, at, space.length, false);
    return answer(offset, /[\w.-]*$/.exec(inside)?.[0] ?? "", valuesOf(known, place, key));
  }
  const key = /^(\s*)((?:-\s+)?)([\w.-]*)$/.exec(current);
  if (!key) return null;
  const [, space = "", dash = "", word = ""] = key;
  const place = placeOf(lines, at, space.length + dash.length, dash !== "");
  place.beside.delete(word);
  return answer(offset, word, keysOf(place));
}

function inFlow(
  known: Known,
  lines: readonly (Line | null)[],
  at: number,
  current: string,
  offset: number,
): Completions | null {
  const found = /^(\s*)((?:-\s+)?)/.exec(current);
  const dash = (found?.[2] ?? "") !== "";
  const indent = (found?.[0] ?? "").length;
  const outer = /([\w.-]+)\s*:\s*\{[^{}]*$/.exec(current)?.[1];
  const base = placeOf(lines, at, indent, dash);
  const place: Place = {
    path: outer === undefined ? base.path : [...base.path, outer],
    beside: new Map(flowPairs(current)),
  };
  const value = /[{,]\s*([\w.-]+)\s*:\s*(?:\[[^\]]*?)?([\w.-]*)$/.exec(current);
  if (value) return answer(offset, value[2] ?? "", valuesOf(known, place, value[1] ?? ""));
  const key = /[{,]\s*([\w.-]*)$/.exec(current);
  if (!key) return null;
  place.beside.delete(key[1] ?? "");
  return answer(offset, key[1] ?? "", keysOf(place));
}

const answer = (offset: number, word: string, options: Completion[]): Completions | null =>
  options.length === 0 ? null : { from: offset - word.length, options };

type Shape = Readonly<Record<string, z.core.$ZodType>>;

function shapeAt({ path, beside }: Place): Shape {
  if (path.length === 0) return experimentFile.shape;
  if (path.join(".") === "steps")
    return step.options.find((o) => o.shape.kind.value === beside.get("kind"))?.shape ?? {};
  if (path.join(".") === "sweep") return sweepGrid.shape;
  if (path.join(".") === "sweep.over") return sweepAxes.shape;
  return {};
}

function keysOf(place: Place): Completion[] {
  const shape = shapeAt(place);
  const keys = Object.entries(shape)
    .filter(([key]) => !place.beside.has(key))
    .map(([key, type]): Completion => ({ label: key, insert: insertOf(key, type), detail: takes(type) }));
  if (place.path.join(".") !== "steps" || place.beside.has("kind")) return keys;
  // A step begins with what it does.
  return step.options.map((o) => ({
    label: `kind: ${o.shape.kind.value}`,
    detail: stepHelp[o.shape.kind.value],
  }));
}

function insertOf(key: string, type: z.core.$ZodType): string {
  const inner = unwrapped(type);
  if (key === "steps") return "steps:\n  - ";
  if (inner instanceof z.ZodObject) return `${key}:\n  `;
  return `${key}: `;
}

function valuesOf({ text, kernels }: Known, place: Place, key: string): Completion[] {
  if (key === "kernel") return kernels.map((label) => ({ label }));
  if (place.path.join(".") === "steps") {
    if (key === "kind")
      return step.options.map((o) => ({ label: o.shape.kind.value, detail: stepHelp[o.shape.kind.value] }));
    if (key === "workload") return workloads.map((w) => ({ label: w.name, detail: w.shows }));
    if (key === "target") return namesIn(text, "start");
    if (key === "checkpoint" || key === "parent") return namesIn(text, "checkpoint");
  }
  const type = shapeAt(place)[key];
  if (!type) return [];
  const inner = unwrapped(type);
  const one = inner instanceof z.ZodArray ? unwrapped(inner.element) : inner;
  if (one instanceof z.ZodEnum) return one.options.map((o) => ({ label: String(o) }));
  if (one instanceof z.ZodBoolean) return [{ label: "true" }, { label: "false" }];
  return [];
}

/** Names that earlier steps of this kind have given. */
function namesIn(text: string, kind: StepKind): Completion[] {
  const items = text.split(/^\s*-\s+/m);
  const found = items.flatMap((item) => {
    const name = new RegExp(`\\bkind:\\s*${kind}\\b`).test(item)
      ? /\bname:\s*["']?([\w.-]+)/.exec(item)?.[1]
      : undefined;
    return name === undefined ? [] : [name];
  });
  return [...new Set(found)].map((label) => ({ label }));
}

function unwrapped(type: z.core.$ZodType): z.core.$ZodType {
  let inner = type;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap();
  return inner;
}

/** What a field takes, in words. */
function takes(type: z.core.$ZodType): string {
  const inner = unwrapped(type);
  const missing = type instanceof z.ZodDefault ? `, else ${JSON.stringify(z.parse(type, undefined))}` : "";
  if (inner instanceof z.ZodEnum) return `${inner.options.join(" | ")}${missing}`;
  if (inner instanceof z.ZodBoolean) return `true | false${missing}`;
  if (inner instanceof z.ZodNumber) return `${inner.minValue ?? 0} to ${inner.maxValue ?? "any"}${missing}`;
  if (inner instanceof z.ZodArray) return `a list${missing}`;
  return inner instanceof z.ZodString ? `text${missing}` : "";
}
