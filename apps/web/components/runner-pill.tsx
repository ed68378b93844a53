"use client";
import { useLinkState, useRunnerStatus } from "./runner-provider";

/** Whether the runner is there, and how much room it has. */
export function RunnerPill() {
  const link = useLinkState();
  const status = useRunnerStatus();
  if (link.kind === "away")
    return (
      <span className="pill failed" role="status" title={[link.error.message, link.error.hint].join(" ")}>
        runner away
      </span>
    );
  if (link.kind === "connecting" || status === null) return <span className="pill">runner …</span>;
  return (
    <span className="pill running" title={`Accelerator: ${status.accel}`}>
      runner · {status.guests} {status.guests === 1 ? "guest" : "guests"} · {status.freeGuests} free
    </span>
  );
}
