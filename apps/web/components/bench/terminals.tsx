"use client";
import type { ExperimentView } from "@crlab/shared";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { parts } from "../../lib/parts";
import { comesForward, firstShown } from "../../lib/shown";
import { Recorded } from "./recorded";
import { Tabs } from "./tabs";
import styles from "./terminals.module.css";

const LiveTerminal = lazy(() => parts.liveTerminal().then((m) => ({ default: m.LiveTerminal })));
const SerialTerminal = lazy(() => parts.serialTerminal().then((m) => ({ default: m.SerialTerminal })));
const StoredTerminal = lazy(() => import("./stored-terminal").then((m) => ({ default: m.StoredTerminal })));

/** What a terminal showed when its experiment was over. */
export interface LastScreen {
  terminal: number;
  text: string;
}

interface Props {
  id: string;
  view: ExperimentView;
  drive: boolean;
  /** Set: show the past up to this moment, from the store. */
  atMs: number | null;
  /** Set: it is the end that is shown, and this is what one of its terminals showed. */
  lastScreen: LastScreen | null;
  /** What the link speaks of. */
  first: string | null;
  /** Told of what one looks at, if one has chosen it. */
  onChoose: (terminal: string | null) => void;
  onShell: (() => void) | null;
  /** Null for those who watch. */
  onClose: ((terminal: number) => void) | null;
}

const SERIAL = "serial";
const LAST_LINES = 60;

/** The workloads' terminals, shells and the serial console, one tab each. */
export function Terminals({ id, view, drive, atMs, lastScreen, first, onChoose, onShell, onClose }: Props) {
  const [picked, setPicked] = useState(first);
  const [fresh, setFresh] = useState<number | null>(null);
  const [known, setKnown] = useState(view.terminals.length);
  const [wanted, setWanted] = useState(false);
  const [finding, setFinding] = useState(false);
  const find = { finding, onFinding: setFinding };
  const live = atMs === null;
  // A terminal that has just opened is what one wants to look at, unless one types into another, or opened a shell to do so.
  useEffect(() => {
    const typing = document.getElementById("panel-Terminals")?.parentElement?.contains(document.activeElement);
    const inShell = view.terminals.some((t) => t.terminal === fresh && t.closedReason === null);
    const next = comesForward(view.terminals.slice(known), Boolean(typing || inShell));
    if (next) {
      setPicked(String(next.terminal));
      onChoose(null);
      setFresh(next.kind === "shell" ? next.terminal : null);
    }
    if (view.terminals.length !== known) setKnown(view.terminals.length);
  }, [view.terminals, known, fresh, onChoose]);

  // Whoever follows a running experiment needs a terminal soon: it is fetched while the guest boots.
  useEffect(() => {
    if (live) void parts.xterm();
  }, [live]);

  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Whoever was there before this code was.
    if (panel.current?.matches(":hover, :focus-within")) setWanted(true);
  }, []);
  const fallback = firstShown(view.terminals);
  const serial = view.guest !== null && (picked === SERIAL || fallback === undefined);
  const shown = serial ? undefined : (view.terminals.find((t) => String(t.terminal) === picked) ?? fallback);
  return (
    <>
      <Tabs
        name="Terminals"
        tabs={[
          ...view.terminals.map((t) => ({
            id: String(t.terminal),
            label: t.closedReason === null || atMs !== null ? t.title : `${t.title} (closed)`,
          })),
          ...(view.guest === null ? [] : [{ id: SERIAL, label: "serial" }]),
        ]}
        chosen={serial ? SERIAL : shown ? String(shown.terminal) : ""}
        onChoose={(id) => {
          setPicked(id);
          onChoose(id);
          setFresh(null);
          setFinding(false);
        }}
      >
        {onShell && (
          <button
            type="button"
            className="btn quiet"
            onClick={onShell}
            aria-label="Open a shell"
            title="Open a shell (t)"
          >
            +
          </button>
        )}
        {(shown !== undefined || serial) && (
          <button
            type="button"
            className={`btn quiet ${styles.toFind}`}
            aria-expanded={finding}
            title="Find on this terminal (Ctrl+Shift+F)"
            onClick={() => {
              setWanted(true);
              setFinding(!finding);
            }}
          >
            Find
          </button>
        )}
        {onClose && shown?.kind === "shell" && shown.closedReason === null && (
          <button
            type="button"
            className="btn quiet"
            title="Close this shell; what it has put out is kept"
            aria-label={`Close ${shown.title}`}
            onClick={() => {
              onClose(shown.terminal);
              setPicked(null);
              onChoose(null);
            }}
          >
            ×
          </button>
        )}
      </Tabs>
      <div
        className={styles.stack}
        id="panel-Terminals"
        role="tabpanel"
        // A recording scrolls, and is loaded for whoever points at it or goes there by keyboard.
        tabIndex={live ? undefined : 0}
        ref={panel}
        onPointerEnter={() => setWanted(true)}
        onFocus={() => setWanted(true)}
        aria-label={serial ? "serial" : (shown?.title ?? "Terminals")}
      >
        {shown === undefined && !serial ? (
          <p className={styles.empty}>No terminal yet: a guest's console opens when it boots.</p>
        ) : shown === undefined ? (
          <Recorded text={lastScreen || picked !== SERIAL ? lastLines(view) : null} wanted={wanted}>
            <SerialTerminal lines={view.kernelLog} {...find} />
          </Recorded>
        ) : atMs === null ? (
          <Suspense fallback={null}>
            <LiveTerminal
              key={shown.terminal}
              experiment={id}
              terminal={shown.terminal}
              title={shown.title}
              drive={drive && shown.closedReason === null}
              takesFocus={shown.terminal === fresh}
              {...find}
            />
          </Suspense>
        ) : (
          <Recorded
            key={shown.terminal}
            text={lastScreen?.terminal === shown.terminal ? lastScreen.text : null}
            wanted={wanted}
          >
            <StoredTerminal experiment={id} terminal={shown.terminal} title={shown.title} atMs={atMs} {...find} />
          </Recorded>
        )}
      </div>
    </>
  );
}

const lastLines = (view: ExperimentView): string =>
  view.kernelLog
    .map((line) => line.text)
    .join("")
    .split("\n")
    .slice(-LAST_LINES)
    .join("\n");
