"use client";
import { useEffect, useRef, useState } from "react";
import { parts } from "../../lib/parts";
import { player } from "../../lib/player";
import { storedOutput } from "../../lib/stored-output";
import type { Screen } from "../../lib/xterm";
import { type Finding, TerminalPlace } from "./terminal-place";

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
    load().catch((error: unknown) => console.error("crlab: stored terminal:", error));
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

  return <TerminalPlace place={element} screen={shown} testId={`terminal-${terminal}`} {...find} />;
}
