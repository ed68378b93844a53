"use client";
import { useEffect, useRef } from "react";
import { z } from "zod";
import type { Screen } from "../../lib/xterm";
import styles from "./terminals.module.css";

const storedOutput = z.array(z.object({ atMs: z.number(), offset: z.number(), data: z.base64() }));
type StoredOutput = z.infer<typeof storedOutput>;

interface Props {
  experiment: string;
  terminal: number;
  title: string;
  /** Show it as it was then. */
  atMs: number;
}

/** A terminal of the past: its stored bytes up to a moment. */
export function StoredTerminal({ experiment, terminal, title, atMs }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const moment = useRef(atMs);
  const draw = useRef<(() => void) | null>(null);

  useEffect(() => {
    let screen: Screen | undefined;
    let over = false;
    const load = async () => {
      const [{ openScreen }, answer] = await Promise.all([
        import("../../lib/xterm"),
        fetch(`/x/${experiment}/terminal/${terminal}`),
      ]);
      const body: unknown = await answer.json();
      if (over || !element.current) return;
      const opened = openScreen(element.current, { input: false, label: `Terminal ${title}, recorded` });
      screen = opened;
      draw.current = player(opened, storedOutput.parse(body), () => moment.current);
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

  return <div ref={element} className={styles.screen} data-testid={`terminal-${terminal}`} />;
}

/** Draws what has come since it was last called; going back begins again. */
function player(screen: Screen, chunks: StoredOutput, atMs: () => number): () => void {
  let drawn = 0;
  return () => {
    const due = chunks.findIndex((chunk) => chunk.atMs > atMs());
    const end = due === -1 ? chunks.length : due;
    if (end < drawn) {
      screen.terminal.reset();
      drawn = 0;
    }
    for (const chunk of chunks.slice(drawn, end)) {
      screen.terminal.write(Uint8Array.from(atob(chunk.data), (c) => c.charCodeAt(0)));
    }
    drawn = end;
  };
}
