"use client";
import type { ExperimentView } from "@crlab/shared";
import { useEffect, useState } from "react";
import { LiveTerminal } from "./live-terminal";
import { SerialTerminal } from "./serial-terminal";
import { StoredTerminal } from "./stored-terminal";
import { Tabs } from "./tabs";
import styles from "./terminals.module.css";

interface Props {
  id: string;
  view: ExperimentView;
  drive: boolean;
  /** Set: show the past up to this moment, from the store. */
  atMs: number | null;
  onShell: (() => void) | null;
}

const SERIAL = "serial";

/** The workloads' terminals, shells and the serial console, one tab each. */
export function Terminals({ id, view, drive, atMs, onShell }: Props) {
  const [picked, setPicked] = useState<string | null>(null);
  const [known, setKnown] = useState(view.terminals.length);
  // A terminal that has just opened is what one wants to look at, unless one types into another that very moment.
  const newest = view.terminals.at(-1);
  useEffect(() => {
    const typing = document.getElementById("panel-Terminals")?.parentElement?.contains(document.activeElement);
    if (view.terminals.length > known && newest && (newest.kind === "shell" || !typing))
      setPicked(String(newest.terminal));
    if (view.terminals.length !== known) setKnown(view.terminals.length);
  }, [view.terminals.length, known, newest]);

  const fallback = view.terminals.findLast((t) => t.kind === "workload") ?? newest;
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
        onChoose={setPicked}
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
      </Tabs>
      <div
        className={styles.stack}
        id="panel-Terminals"
        role="tabpanel"
        aria-label={serial ? "serial" : (shown?.title ?? "Terminals")}
      >
        {serial ? (
          <SerialTerminal lines={view.kernelLog} />
        ) : shown === undefined ? (
          <p className={styles.empty}>No terminal yet: a guest's console opens when it boots.</p>
        ) : atMs !== null ? (
          <StoredTerminal
            key={shown.terminal}
            experiment={id}
            terminal={shown.terminal}
            title={shown.title}
            atMs={atMs}
          />
        ) : (
          <LiveTerminal
            key={shown.terminal}
            experiment={id}
            terminal={shown.terminal}
            title={shown.title}
            drive={drive && shown.closedReason === null}
          />
        )}
      </div>
    </>
  );
}
