"use client";
import { TERMINAL_WINDOW_BYTES } from "@crlab/shared";
import { useEffect, useRef, useState } from "react";
import { PacedWriter } from "../../lib/paced-writer";
import { parts } from "../../lib/parts";
import { isTyping } from "../../lib/shortcuts";
import { storedOutput } from "../../lib/stored-output";
import type { Screen } from "../../lib/xterm";
import { useLinkState, useRunner } from "../runner-provider";
import { type Finding, TerminalPlace } from "./terminal-place";
import styles from "./terminals.module.css";

const ACK_AFTER_BYTES = TERMINAL_WINDOW_BYTES / 8;

interface Props extends Finding {
  experiment: string;
  terminal: number;
  title: string;
  /** Whether what is typed goes to the guest, and its size follows this page. */
  drive: boolean;
  /** It has just been opened to be typed into. */
  takesFocus: boolean;
}

/** Whether anything would be hidden by what lies over its last lines. */
const isFull = ({ terminal: { buffer, rows } }: Screen): boolean =>
  buffer.active.baseY > 0 || buffer.active.cursorY > rows - 4;

/** A running terminal: stored bytes first, then live ones; after a lost connection it goes on where it stopped, and says so meanwhile. */
export function LiveTerminal({ experiment, terminal, title, drive, takesFocus, ...find }: Props) {
  const socket = useRunner();
  const cutOff = useLinkState().kind === "away";
  const element = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState<Screen | null>(null);
  const [full, setFull] = useState(false);
  const focus = useRef(takesFocus);

  useEffect(() => {
    let screen: Screen | undefined;
    let received = 0;
    let acked = 0;
    let over = false;
    const stops: (() => void)[] = [];

    const attach = () => {
      if (socket.linkState().kind !== "open" || over) return;
      // What was received before counts as drawn over there.
      acked = received;
      socket.request({ type: "terminal.attach", experiment, terminal, offset: received }).catch(() => undefined);
      resize();
    };
    const resize = () => {
      if (!drive || !screen) return;
      const { cols, rows } = screen.terminal;
      socket.request({ type: "terminal.resize", experiment, terminal, cols, rows }).catch(() => undefined);
    };

    void parts.xterm().then(({ openScreen }) => {
      if (over || !element.current) return;
      const opened = openScreen(element.current, { input: drive, label: `Terminal ${title}` });
      screen = opened;
      setShown(opened);
      if (drive && focus.current && !isTyping(document.activeElement)) opened.terminal.focus();
      focus.current = false;
      const writer = new PacedWriter({
        write: (bytes, done) => opened.write(bytes, done),
        onDrawn: (drawn) => {
          setFull(isFull(opened));
          // Not for every key: the runner waits only when a whole window is on its way.
          if (over || drawn - acked < ACK_AFTER_BYTES) return;
          acked = drawn;
          socket.request({ type: "terminal.ack", experiment, terminal, offset: drawn }).catch(() => undefined);
        },
      });
      /** The console has what was kept, also while the runner is away. */
      const recall = async () => {
        if (socket.linkState().kind !== "away" || received > 0) return;
        const parts = await storedOutput(experiment, terminal);
        if (over || received > 0) return;
        for (const { offset, bytes } of parts) {
          received = offset + bytes.length;
          writer.push(bytes, received);
        }
      };
      const tryRecall = () => void recall().catch((error: unknown) => console.error("crlab: stored output:", error));
      stops.push(
        () => writer.stop(),
        socket.onState(tryRecall),
        socket.onFrame((frame) => {
          if (frame.experiment !== experiment || frame.terminal !== terminal) return;
          const fresh = frame.bytes.subarray(Math.max(0, received - frame.offset));
          if (fresh.length === 0) return;
          received = frame.offset + frame.bytes.length;
          writer.push(fresh, received);
        }),
        socket.onState(attach),
      );
      if (drive) {
        const encoder = new TextEncoder();
        const type = (bytes: Uint8Array) => {
          socket.type(experiment, terminal, bytes);
          writer.hurry();
        };
        opened.until(opened.terminal.onData((text) => type(encoder.encode(text))));
        opened.until(opened.terminal.onBinary((text) => type(Uint8Array.from(text, (c) => c.charCodeAt(0)))));
        opened.until(opened.terminal.onResize(resize));
      }
      attach();
      tryRecall();
    });
    return () => {
      over = true;
      for (const stop of stops) stop();
      screen?.dispose();
    };
  }, [socket, experiment, terminal, title, drive]);

  return (
    <>
      <TerminalPlace place={element} screen={shown} testId={`terminal-${terminal}`} {...find} />
      {cutOff && (
        <p className={styles.cutOff} data-full={full} role="status" data-testid="cut-off">
          Not connected to the runner: this is what was put out until then
          {drive ? ", and what is typed now goes nowhere" : ""}.
        </p>
      )}
    </>
  );
}
