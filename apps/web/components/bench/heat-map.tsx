"use client";
import { type CheckpointView, checkpointChain, type ExperimentView, type NamedError } from "@crlab/shared";
import { useMemo, useState } from "react";
import { type ChainLink, type HeatMode, heatOf } from "../../lib/heat";
import { toNamedError } from "../../lib/run-request";
import { ErrorNote } from "../error-note";
import { Choices } from "./choices";
import { HeatCanvas } from "./heat-canvas";
import styles from "./heat-map.module.css";
import inspector from "./inspector.module.css";
import type { OnRead } from "./not-read";

interface Props {
  view: ExperimentView;
  shown: CheckpointView;
  /** Since which checkpoint; one that is not in the chain: since its beginning. */
  since: string | null;
  onSince: (name: string) => void;
  onRead: OnRead | null;
}

/** Every page of a process as a cell: how often, and when last, the increments up to a checkpoint wrote it. */
export function HeatMap({ view, shown, since, onSince, onRead }: Props) {
  const chain = useMemo(() => checkpointChain(view, shown.name), [view, shown.name]);
  const [mode, setMode] = useState<HeatMode>("often");
  const [chosenPid, setPid] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<NamedError | null>(null);

  // Since itself there is nothing.
  const start = chain.slice(0, -1).findIndex((c) => c.name === since);
  const part = chain.slice(Math.max(0, start));
  const unread = part.filter((c) => c.digest === null);
  const pids = shown.digest?.spaces.flatMap((s) => s.pids.slice(0, 1)) ?? [];
  const pid = pids.find((p) => p === chosenPid) ?? pids[0];
  const links = useMemo(
    () =>
      part.flatMap((c): ChainLink[] =>
        c.digest === null ? [] : [{ name: c.name, full: c.parent === null, digest: c.digest }],
      ),
    [part],
  );
  // A live view is made anew with each event; the pages are not.
  const key = `${links.map((l) => l.name).join()} ${pid}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for what they are made of
  const heat = useMemo(() => (pid === undefined ? null : heatOf(links, pid)), [key]);

  if (chain.length < 2) return null;
  const readAll = async () => {
    if (onRead === null) return;
    setBusy(true);
    setError(null);
    try {
      for (const { name } of unread) await onRead(name);
    } catch (failure) {
      setError(toNamedError(failure));
    } finally {
      setBusy(false);
    }
  };
  const canRead = onRead !== null && unread.every((c) => c.available);
  return (
    <section className={inspector.card} data-testid="heat">
      <h3>
        <span>
          Pages written, {part[0]?.name} → {shown.name}
        </span>
        {heat && unread.length === 0 && (
          <span className="mono">
            {heat.written.toLocaleString("en")} of {heat.present.toLocaleString("en")}
          </span>
        )}
      </h3>
      {unread.length > 0 ? (
        <div className={styles.unread}>
          {canRead ? (
            <button type="button" className="btn" aria-busy={busy} onClick={() => !busy && void readAll()}>
              {busy
                ? "Reading …"
                : `Open the ${unread.length} ${unread.length === 1 ? "image" : "images"} of this chain not opened yet`}
            </button>
          ) : (
            <p className="dim">
              The images of {unread.map((c) => c.name).join(", ")} were not opened while their guest ran.
            </p>
          )}
          {error && <ErrorNote error={error} />}
        </div>
      ) : (
        heat && (
          <>
            <Choices>
              <label>
                Since
                <select className="field" value={part[0]?.name} onChange={(e) => onSince(e.currentTarget.value)}>
                  {chain.slice(0, -1).map((c) => (
                    <option key={c.name}>{c.name}</option>
                  ))}
                </select>
              </label>
              <label>
                Colour
                <select
                  className="field"
                  value={mode}
                  onChange={(e) => setMode(e.currentTarget.value === "often" ? "often" : "recent")}
                >
                  <option value="often">how often</option>
                  <option value="recent">when last</option>
                </select>
              </label>
              {pids.length > 1 && (
                <label>
                  Process
                  <select className="field" value={pid} onChange={(e) => setPid(Number(e.currentTarget.value))}>
                    {pids.map((p) => (
                      <option key={p} value={p}>
                        pid {p}
                      </option>
                    ))}
                  </select>
                </label>
              )}
            </Choices>
            <HeatCanvas heat={heat} mode={mode} names={links.map((l) => l.name)} />
          </>
        )
      )}
    </section>
  );
}
