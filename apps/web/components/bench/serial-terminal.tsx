"use client";
import type { TextLine } from "@crlab/shared";
import { useEffect, useRef, useState } from "react";
import { parts } from "../../lib/parts";
import type { Screen } from "../../lib/xterm";
import { type Finding, TerminalPlace } from "./terminal-place";

/** The guests' serial console, read-only: drawn from the log, so that it is the same live, later and in replay. */
export function SerialTerminal({ lines, ...find }: { lines: readonly TextLine[] } & Finding) {
  const element = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState<Screen | null>(null);
  const latest = useRef(lines);
  const draw = useRef<(() => void) | null>(null);

  useEffect(() => {
    let screen: Screen | undefined;
    let over = false;
    parts
      .xterm()
      .then(({ openScreen }) => {
        if (over || !element.current) return;
        const opened = openScreen(element.current, { input: false, label: "Serial console" });
        screen = opened;
        setShown(opened);
        let drawn = 0;
        draw.current = () => {
          if (latest.current.length < drawn) {
            opened.terminal.reset();
            drawn = 0;
          }
          for (const { text } of latest.current.slice(drawn)) opened.write(text.replace(/\n/g, "\r\n"));
          drawn = latest.current.length;
        };
        draw.current();
      })
      .catch((error: unknown) => console.error("crlab: serial console:", error));
    return () => {
      over = true;
      draw.current = null;
      screen?.dispose();
    };
  }, []);

  useEffect(() => {
    latest.current = lines;
    draw.current?.();
  }, [lines]);

  return <TerminalPlace place={element} screen={shown} testId="terminal-serial" {...find} />;
}
