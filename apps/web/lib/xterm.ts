/** Makes a terminal in an element; loaded only where one is shown. */
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
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
  fit: () => void;
  dispose: () => void;
}

export function openScreen(element: HTMLElement, { input, label }: ScreenOptions): Screen {
  const terminal = new Terminal({
    fontFamily: '"IBM Plex Mono", ui-monospace, "DejaVu Sans Mono", monospace',
    fontSize: element.clientWidth < 500 ? 11 : 13,
    // The font's own is generous; a recorded screen has the same.
    lineHeight: 1,
    scrollback: 20000,
    cursorBlink: false,
    disableStdin: !input,
    convertEol: false,
    theme: {
      background: getComputedStyle(element).backgroundColor,
      foreground: "#d5dbe5",
      cursor: input ? "#5cc3de" : "#3b4654",
      selectionBackground: "#2b4a5c",
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
  withStyleNonce(() => terminal.open(element));
  terminal.textarea?.setAttribute("aria-label", label);
  // Tab belongs to the shell, so there is another way out for the keyboard.
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type === "keydown" && event.key === "Escape" && event.shiftKey) {
      element.closest("section")?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
      return false;
    }
    return true;
  });
  const fit = () => {
    if (element.clientWidth > 0 && element.clientHeight > 0) fitter.fit();
  };
  fit();
  const observer = new ResizeObserver(fit);
  observer.observe(element);
  return {
    terminal,
    search,
    fit,
    dispose: () => {
      observer.disconnect();
      terminal.dispose();
    },
  };
}
