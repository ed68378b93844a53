"use client";
import type { NamedError } from "@crlab/shared";
import { useEffect, useRef, useState } from "react";
import { parts } from "../../lib/parts";
import { player } from "../../lib/player";
import { toNamedError } from "../../lib/run-request";
import { storedOutput } from "../../lib/stored-output";
import type { Screen } from "../../lib/xterm";
import { ErrorNote } from "../error-note";
import { type Finding, TerminalPlace } from "./terminal-place";
import styles from "./terminals.module.css";

interface Props extends Finding {
  experiment: string;
  terminal: number;
  title: string;
  /** Show it as it was then. */
  atMs: number;
}

/** A terminal of the past: its stored bytes up to a moment. */
export function StoredTerminal({ experiment, terminal, title, atMs, ...find }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState<Screen | null>(null);
  const [error, setError] = useState<NamedError | null>(null);
  const moment = useRef(atMs);
  const draw = useRef<(() => void) | null>(null);

  useEffect(() => {
    let screen: Screen | undefined;
    let over = false;
    const load = async () => {
      const [{ openScreen }, output] = await Promise.all([parts.xterm(), storedOutput(experiment, terminal)]);
      if (over || !element.current) return;
      const opened = openScreen(element.current, { input: false, label: `Terminal ${title}, recorded` });
      screen = opened;
      setShown(opened);
      draw.current = player(opened.write, output, () => moment.current);
      draw.current();
    };
    load().catch((failure: unknown) => !over && setError(toNamedError(failure)));
    return () => {
      over = true;
      draw.current = null;
      screen?.dispose();
    };
  }, [experiment, terminal, title]);

  useEffect(() => {
    moment.current = atMs;
    draw.current?.();
  }, [atMs]);

  return (
    <>
      <TerminalPlace place={element} screen={shown} testId={`terminal-${terminal}`} {...find} />
      {error && (
        <div className={styles.over}>
          <ErrorNote error={error} />
        </div>
      )}
    </>
  );
}
