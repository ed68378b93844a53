"use client";
import { formatBytes, formatMs, type GuestInfo, type NamedError } from "@crlab/shared";
import Link from "next/link";
import { useCallback, useEffect, useState } from "react";
import styles from "../../app/home.module.css";
import { toNamedError } from "../../lib/run-request";
import { DataTable } from "../data-table";
import { ErrorNote } from "../error-note";
import { useLinkState, useRunner } from "../runner-provider";

const REFRESH_MS = 3000;

const pills: Record<GuestInfo["state"], string> = {
  queued: "pill warn",
  booting: "pill frozen",
  busy: "pill running",
  idle: "pill",
  suspended: "pill frozen",
};

/** Age and cost of what runs; one's own can be stopped, or kept longer. */
export function Guests() {
  const socket = useRunner();
  const link = useLinkState();
  const [guests, setGuests] = useState<readonly GuestInfo[] | null>(null);
  const [now, setNow] = useState(0);
  const [error, setError] = useState<NamedError | null>(null);

  const look = useCallback(() => {
    socket.request({ type: "guests" }).then(
      (reply) => {
        setGuests(reply.guests ?? []);
        setNow(Date.now());
      },
      () => undefined,
    );
  }, [socket]);
  useEffect(() => {
    if (link.kind !== "open") return;
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => clearInterval(timer);
  }, [link.kind, look]);

  const act = (type: "end" | "extend", experiment: string) => {
    setError(null);
    socket
      .request({ type, experiment })
      .then(look)
      .catch((failure: unknown) => setError(toNamedError(failure)));
  };
  if (guests === null) return <p className="dim">Asking the runner …</p>;
  return (
    <>
      {error && <ErrorNote error={error} />}
      <div className={styles.list} data-testid="guests">
        {guests.length === 0 ? (
          <p className={styles.empty}>No guest runs.</p>
        ) : (
          <DataTable
            rows={guests}
            keyOf={(g) => g.experiment}
            marks={(g) => ({ "data-guest": g.experiment })}
            columns={[
              { head: "Experiment", cell: (g) => <Link href={`/x/${g.experiment}`}>{g.title}</Link> },
              { head: "State", cell: (g) => <span className={pills[g.state]}>{g.state}</span> },
              { head: "Guest", className: "mono", cell: (g) => `${g.kernel} · ${g.cpus} CPU · ${g.memMiB} MiB` },
              { head: "Age", num: true, cell: (g) => formatMs(Math.max(0, now - Date.parse(g.bootedAt))) },
              { head: "CPU time", num: true, cell: (g) => (g.cpuMs === null ? "–" : formatMs(g.cpuMs)) },
              { head: "Memory", num: true, cell: (g) => (g.rssBytes === null ? "–" : formatBytes(g.rssBytes)) },
              { head: "Watching", num: true, cell: (g) => g.watchers },
              { head: "Ends in", num: true, cell: (g) => formatMs(Math.max(0, Date.parse(g.idleEndsAt) - now)) },
              {
                head: <span className="visually-hidden">Actions</span>,
                cell: (g) =>
                  g.mine ? (
                    <>
                      <button
                        type="button"
                        className="btn"
                        aria-label={`Keep ${g.title}`}
                        onClick={() => act("extend", g.experiment)}
                      >
                        Keep
                      </button>{" "}
                      <button
                        type="button"
                        className="btn"
                        aria-label={`Stop ${g.title}`}
                        onClick={() => act("end", g.experiment)}
                      >
                        Stop
                      </button>
                    </>
                  ) : (
                    <span className="dim">another browser’s</span>
                  ),
              },
            ]}
          />
        )}
      </div>
    </>
  );
}
