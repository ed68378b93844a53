"use client";
import { type RefObject, useEffect, useId, useRef, useState } from "react";
import { nextFrame } from "../../lib/next-frame";
import type { Screen } from "../../lib/xterm";
import styles from "./terminals.module.css";

/** Whether text is looked for, and who is told. */
export interface Finding {
  finding: boolean;
  onFinding: (finding: boolean) => void;
}

interface Props extends Finding {
  place: RefObject<HTMLDivElement | null>;
  /** Null until it is there. */
  screen: Screen | null;
  testId: string;
}

/** Where a terminal is drawn, with what finds text on it. */
export function TerminalPlace({ place, screen, testId, finding, onFinding }: Props) {
  useEffect(() => screen?.onFind(() => onFinding(true)), [screen, onFinding]);
  return (
    <>
      <div ref={place} className={styles.screen} data-testid={testId} />
      {finding && screen && <Find screen={screen} onClose={() => onFinding(false)} />}
    </>
  );
}

/** Who types on is not done saying what to look for. */
const TYPED_MS = 120;

function showSelection({ terminal }: Screen): void {
  const row = terminal.getSelectionPosition()?.start.y;
  const { viewportY } = terminal.buffer.active;
  if (row === undefined || (row >= viewportY && row < viewportY + terminal.rows)) return;
  terminal.scrollToLine(Math.max(0, row - Math.floor(terminal.rows / 2)));
}

/** Enter goes back to what came before, as what one looks for has mostly just passed; Shift+Enter goes forward. */
function Find({ screen, onClose }: { screen: Screen; onClose: () => void }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<{ at: number; count: number } | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const count = useId();
  useEffect(() => {
    field.current?.focus();
    const results = screen.search.onDidChangeResults(({ resultIndex, resultCount }) =>
      setFound({ at: resultIndex, count: resultCount }),
    );
    return () => {
      results.dispose();
      screen.search.clearDecorations();
    };
  }, [screen]);

  const later = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(later.current), []);
  const look = (wanted: string, back: boolean) => {
    clearTimeout(later.current);
    if (wanted === "") {
      screen.search.clearDecorations();
      setFound(null);
      return;
    }
    if (back) screen.search.findPrevious(wanted, screen.findOptions);
    else screen.search.findNext(wanted, screen.findOptions);
    // Where it scrolls is reckoned from where it was when it last drew.
    nextFrame(() => showSelection(screen));
  };
  const close = () => {
    onClose();
    screen.terminal.focus();
  };
  return (
    <search className={styles.find}>
      <input
        ref={field}
        className="field"
        type="text"
        value={text}
        placeholder="Find"
        aria-label="Find on this terminal"
        aria-describedby={count}
        autoComplete="off"
        spellCheck={false}
        onChange={({ currentTarget: { value } }) => {
          setText(value);
          clearTimeout(later.current);
          later.current = setTimeout(() => look(value, true), TYPED_MS);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") look(text, !event.shiftKey);
          else if (event.key === "Escape") close();
          else return;
          event.preventDefault();
        }}
      />
      <span id={count} role="status" className={styles.found} data-testid="found">
        {found === null || text === "" ? "" : said(found)}
      </span>
      <button type="button" className="btn quiet" aria-label="Earlier" title="Enter" onClick={() => look(text, true)}>
        ↑
      </button>
      <button
        type="button"
        className="btn quiet"
        aria-label="Later"
        title="Shift+Enter"
        onClick={() => look(text, false)}
      >
        ↓
      </button>
      <button type="button" className="btn quiet" aria-label="Close" title="Escape" onClick={close}>
        ×
      </button>
    </search>
  );
}

const said = ({ at, count }: { at: number; count: number }): string =>
  count === 0 ? "not there" : at < 0 ? `over ${count}` : `${at + 1} of ${count}`;
