"use client";
import type { ExperimentView, LogEvent } from "@crlab/shared";
import { useEffect, useMemo, useState } from "react";
import { parts } from "../../lib/parts";
import type * as StoredLog from "../../lib/stored-log";

interface Log {
  events: readonly LogEvent[];
  foldAll: typeof StoredLog.foldAll;
}

/** The experiment as it was at a moment, or, for who looks `deeper`, with all there is; null: nobody asks, or it is on its way. */
export function useStored(
  id: string,
  lastSeq: number,
  atMs: number | null,
  deeper: boolean,
  fail: (failure: unknown) => void,
): ExperimentView | null {
  const [log, setLog] = useState<Log | null>(null);
  const wanted = atMs !== null || deeper;
  // Its owner may add a word when it is over.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is longer then
  useEffect(() => {
    if (!wanted) return;
    parts
      .log()
      .then(async ({ storedLog, foldAll }) => setLog({ events: await storedLog(id), foldAll }))
      .catch(fail);
  }, [wanted, id, lastSeq, fail]);
  return useMemo(
    () => (log === null || !wanted ? null : log.foldAll(log.events, atMs ?? undefined)),
    [log, wanted, atMs],
  );
}
