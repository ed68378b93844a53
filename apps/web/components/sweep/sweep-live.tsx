"use client";
import type { NamedError } from "@crlab/shared";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { toNamedError } from "../../lib/run-request";
import type { Request } from "../../lib/runner-socket";
import { formatAbout } from "../../lib/time";
import { ErrorNote } from "../error-note";
import { Link } from "../link";
import { useLinkState, useRunner } from "../runner-provider";
import styles from "./sweep.module.css";

export interface Progress {
  status: "running" | "done" | "stopped";
  done: number;
  total: number;
  running: string | null;
  reason: string | null;
}

const pills = { running: "pill running", done: "pill", stopped: "pill warn" } as const;

/** How far a sweep is; the page is drawn anew whenever a run is done. */
export function SweepLive({ id, stored, runMs }: { id: string; stored: Progress; runMs: number | null }) {
  const socket = useRunner();
  const link = useLinkState();
  const router = useRouter();
  const [heard, setHeard] = useState<Progress | null>(null);
  const [mayDrive, setMayDrive] = useState(false);
  const [error, setError] = useState<NamedError | null>(null);
  const shown = heard ?? stored;

  useEffect(() => {
    if (link.kind !== "open") return;
    let drawn = "";
    const unhear = socket.onMessage((message) => {
      if (message.type !== "sweep" || message.sweep !== id) return;
      setHeard(message);
      const state = `${message.status} ${message.done}`;
      if (state !== drawn) router.refresh();
      drawn = state;
    });
    socket.request({ type: "sweep.watch", sweep: id }).then(
      (reply) => setMayDrive(reply.mayDrive ?? false),
      () => undefined,
    );
    return unhear;
  }, [id, link.kind, router, socket]);

  const ask = (request: Request) => {
    setError(null);
    socket.request(request).catch((failure: unknown) => setError(toNamedError(failure)));
  };
  return (
    <>
      <span className={pills[shown.status]} data-testid="sweep-status">
        {shown.status}
      </span>
      <svg className={styles.track} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect className={styles.fill} width={(100 * shown.done) / Math.max(1, shown.total)} height="6" />
      </svg>
      <span role="status" data-testid="sweep-done">
        {shown.done} of {shown.total} runs
      </span>
      {shown.status === "running" && runMs !== null && (
        <span className="dim" data-testid="sweep-left">
          {formatAbout(runMs * (shown.total - shown.done))} left
        </span>
      )}
      {shown.status === "running" &&
        (shown.running === null ? (
          <span className="dim">waits for a guest</span>
        ) : (
          <Link href={`/x/${shown.running}`}>Watch the run</Link>
        ))}
      {shown.status === "stopped" && <span className="dim">{shown.reason}</span>}
      {mayDrive && shown.status === "running" && (
        <button type="button" className="btn" onClick={() => ask({ type: "sweep.stop", sweep: id })}>
          Stop
        </button>
      )}
      {mayDrive && shown.status === "stopped" && (
        <button type="button" className="btn primary" onClick={() => ask({ type: "sweep.resume", sweep: id })}>
          Go on
        </button>
      )}
      {error && <ErrorNote error={error} />}
    </>
  );
}
