/** Makes a terminal in an element; loaded only where one is shown. */
import { FitAddon } from "@xterm/addon-fit";
import { type ISearchOptions, SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { withoutStyleAttributes, withStyleNonce } from "./style-nonce";
import "@xterm/xterm/css/xterm.css";

export interface ScreenOptions {
  input: boolean;
  label: string;
}

export interface Screen {
  terminal: Terminal;
  search: SearchAddon;
  findOptions: ISearchOptions;
  /** Told when somebody wants to find text; answers what ends it. */
  onFind: (listener: () => void) => () => void;
  write: (data: string | Uint8Array, done?: () => void) => void;
  /** What listens to the terminal and ends with this use of it. */
  until: (listener: { dispose: () => void }) => void;
  dispose: () => void;
}

/** To make one takes longer than to fill it: a screen that was left serves whoever needs one next. */
interface Made {
  terminal: Terminal;
  search: SearchAddon;
  fitter: FitAddon;
  host: HTMLElement;
  find?: (() => void) | undefined;
}
const findOptions: ISearchOptions = {
  decorations: {
    matchBackground: "#5a4a1c",
    activeMatchBackground: "#b97f1f",
    matchOverviewRuler: "#e0ac4f",
    activeMatchColorOverviewRuler: "#e0ac4f",
  },
};
const left: Made[] = [];
const MAX_LEFT = 2;

function make(element: HTMLElement): Made {
  const host = document.createElement("div");
  host.className = "xterm-host";
  element.append(host);
  const terminal = new Terminal({
    fontFamily: '"IBM Plex Mono", ui-monospace, "DejaVu Sans Mono", monospace',
    // The font's own is generous; a recorded screen has the same.
    lineHeight: 1,
    scrollback: 20000,
    overviewRuler: { width: 10 },
    cursorBlink: false,
    // What was found is marked by decorations.
    allowProposedApi: true,
    convertEol: false,
    theme: {
      background: getComputedStyle(element).backgroundColor,
      foreground: "#d5dbe5",
      selectionBackground: "#2b4a5c",
      overviewRulerBorder: "#ffffff14",
      scrollbarSliderBackground: "#ffffff1f",
      scrollbarSliderHoverBackground: "#ffffff3d",
      scrollbarSliderActiveBackground: "#ffffff52",
      green: "#7bd7a5",
      yellow: "#e0ac4f",
      red: "#f27b78",
      blue: "#7aa7f7",
    },
  });
  const fitter = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fitter);
  terminal.loadAddon(search);
  terminal.loadAddon(new WebLinksAddon());
  withoutStyleAttributes();
  withStyleNonce(() => terminal.open(host));
  // Tab belongs to the shell, so there is another way out for the keyboard.
  const made: Made = { terminal, search, fitter, host };
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.key.toLowerCase() === "f" && event.shiftKey && (event.ctrlKey || event.metaKey)) {
      if (event.type === "keydown") made.find?.();
      event.preventDefault();
      return false;
    }
    // Ctrl+C is for the guest. xterm answers a copy with what is selected.
    if (event.key.toLowerCase() === "c" && event.shiftKey && event.ctrlKey) {
      if (event.type === "keydown" && terminal.hasSelection()) document.execCommand("copy");
      event.preventDefault();
      return false;
    }
    if (event.type === "keydown" && event.key === "Escape" && event.shiftKey) {
      host.closest("section")?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
      return false;
    }
    return true;
  });
  return made;
}

/** Where 80 columns have no room in the larger one. A recorded screen does the same. */
const fontSizeFor = (widthPx: number): number => (widthPx < 650 ? 12 : 13);

export function openScreen(element: HTMLElement, { input, label }: ScreenOptions): Screen {
  const made = left.pop() ?? make(element);
  const { terminal, search, fitter, host } = made;
  if (host.parentElement !== element) element.append(host);
  terminal.options.disableStdin = !input;
  const cursor = input ? "#5cc3de" : "#3b4654";
  if (terminal.options.theme?.cursor !== cursor) terminal.options.theme = { ...terminal.options.theme, cursor };
  terminal.textarea?.setAttribute("aria-label", label);
  const fit = () => {
    if (element.clientWidth === 0 || element.clientHeight === 0) return;
    const fontSize = fontSizeFor(element.clientWidth);
    if (terminal.options.fontSize !== fontSize) terminal.options.fontSize = fontSize;
    fitter.fit();
  };
  fit();
  const observer = new ResizeObserver(fit);
  observer.observe(element);
  const listeners: { dispose: () => void }[] = [];
  let drawing = 0;
  let gone = false;
  return {
    terminal,
    search,
    findOptions,
    onFind: (listener) => {
      made.find = listener;
      return () => {
        made.find = undefined;
      };
    },
    write: (data, done) => {
      // The terminal serves somebody else by now.
      if (gone) return;
      drawing++;
      terminal.write(data, () => {
        drawing--;
        done?.();
      });
    },
    until: (listener) => listeners.push(listener),
    dispose: () => {
      gone = true;
      observer.disconnect();
      for (const listener of listeners) listener.dispose();
      host.remove();
      // What is still to be drawn belongs to nobody else.
      if (drawing > 0 || left.length >= MAX_LEFT) {
        terminal.dispose();
        return;
      }
      search.clearDecorations();
      terminal.reset();
      left.push(made);
    },
  };
}
