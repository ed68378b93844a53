/** The editor itself, and what it knows of experiment files. Loaded when an editor is shown. */
import {
  acceptCompletion,
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
  completionStatus,
  moveCompletionSelection,
  startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { completeFile } from "@crlab/shared/complete";
import { parseExperimentFile } from "@crlab/shared/parse";
import { tags } from "@lezer/highlight";

export interface Editor {
  text(): string;
  replace(text: string): void;
  /** Both count from 1. */
  goTo(line: number, column: number): void;
  destroy(): void;
}

interface Options {
  parent: HTMLElement;
  text: string;
  label: string;
  /** Kernels by name, for completion; asked each time, as there may be more of them. */
  kernels(): readonly string[];
  onChange(text: string): void;
  /** Ctrl-Enter. */
  onRun(): void;
}

export function makeEditor({ parent, text, label, kernels, onChange, onRun }: Options): Editor {
  const run = () => {
    onRun();
    return true;
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        EditorView.cspNonce.of(document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? ""),
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
        EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString())),
        lineNumbers(),
        placeholder("title: What happens to …\nsteps:\n  - kind: boot\n  - …"),
        history(),
        drawSelection(),
        highlightActiveLine(),
        yaml(),
        syntaxHighlighting(colours),
        // Nothing is chosen by itself: Enter after a whole word begins a new line.
        autocompletion({ override: [(context) => complete(context, kernels())], icons: false, selectOnOpen: false }),
        EditorView.inputHandler.of(beginStep),
        linter((v) => problems(v.state.doc.toString()), { delay: 300 }),
        lintGutter(),
        // Tab takes a completion, once it can be read; without one it leaves the editor, as it leaves any field.
        Prec.highest(
          keymap.of([
            { key: "Tab", run: takeCompletion },
            { key: "Mod-Enter", run },
          ]),
        ),
        keymap.of([...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        look,
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    replace: (next) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }),
    goTo: (line, column) => {
      const { from, to } = view.state.doc.line(Math.min(line, view.state.doc.lines));
      view.dispatch({ selection: { anchor: Math.min(from + column - 1, to) }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/** A dash where the next field of a list's item would stand begins the next item. */
function beginStep(view: EditorView, from: number, to: number, text: string): boolean {
  const line = view.state.doc.lineAt(from);
  const indent = line.text.length;
  if (text !== "-" || from !== to || from !== line.to || indent < 2 || line.text.trim() !== "") return false;
  let above = line.number - 1;
  const start = (n: number) => view.state.doc.line(n).text.search(/\S|$/);
  while (above > 0 && start(above) >= indent) above--;
  if (above === 0 || start(above) !== indent - 2 || !/^ *- /.test(view.state.doc.line(above).text)) return false;
  view.dispatch({
    changes: { from: line.from, to: line.to, insert: `${" ".repeat(indent - 2)}-` },
    selection: { anchor: line.from + indent - 1 },
    userEvent: "input.type",
  });
  return true;
}

/** The chosen one, or the first. */
function takeCompletion(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  if (!acceptCompletion(view)) {
    moveCompletionSelection(true)(view);
    acceptCompletion(view);
  }
  return true;
}

function complete(context: CompletionContext, kernels: readonly string[]): CompletionResult | null {
  const found = completeFile(context.state.doc.toString(), context.pos, kernels);
  if (!found) return null;
  const line = context.state.doc.lineAt(context.pos);
  // Not on every empty line that somebody passes: a step's begin, a value, or a word that has begun.
  const wanted =
    context.explicit || found.from < context.pos || /[-:{,[]\s$/.test(line.text.slice(0, context.pos - line.from));
  if (!wanted) return null;
  return {
    from: found.from,
    options: found.options.map(({ label, insert, detail }) => ({
      label,
      ...(detail === undefined ? {} : { detail }),
      apply: (view, _, from, to) => {
        const column = from - view.state.doc.lineAt(from).from;
        const put = (insert ?? label).replaceAll("\n", `\n${" ".repeat(column)}`);
        view.dispatch({ changes: { from, to, insert: put }, selection: { anchor: from + put.length } });
        if (/[:-] $/.test(put)) startCompletion(view);
      },
    })),
    validFor: /^[\w.-]*$/,
  };
}

function problems(text: string): Diagnostic[] {
  if (text.trim() === "") return [];
  const parsed = parseExperimentFile(text, "file");
  if (parsed.ok) return [];
  const lines = text.split("\n");
  return parsed.errors.slice(0, 50).map(({ line, column, field, message }) => {
    const start = lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0);
    const from = Math.min(text.length, start + column - 1);
    const word = /^[\w.-]+|^.*/.exec(text.slice(from))?.[0] ?? "";
    return {
      from,
      to: from + word.length,
      severity: "error",
      message: field === "" ? message : `${field}: ${message}`,
    };
  });
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string), tags.attributeValue], color: "var(--running)" },
  { tag: [tags.number, tags.bool, tags.keyword], color: "var(--frozen)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ink-3)" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--ink-2)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--panel)", fontSize: "var(--text-s)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  ".cm-placeholder": { color: "var(--ink-3)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--accent-soft)",
  },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--raised) 55%, transparent)" },
  ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--ink-3)", border: "0" },
  ".cm-tooltip": {
    backgroundColor: "var(--panel)",
    color: "var(--ink)",
    border: "1px solid var(--border-strong)",
    borderRadius: "var(--radius)",
    boxShadow: "0 6px 20px rgb(0 0 0 / 18%)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", maxHeight: "15em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "1.5" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--ink)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-completionDetail": { color: "var(--ink-2)", fontStyle: "normal", fontFamily: "var(--font-ui)" },
  ".cm-diagnostic": { padding: "4px 8px", fontFamily: "var(--font-ui)", whiteSpace: "pre-wrap", maxWidth: "60ch" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--failed)" },
});
