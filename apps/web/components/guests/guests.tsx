"use client";
import { formatBytes, formatMs, type GuestInfo, type NamedError, type SpareInfo } from "@crlab/shared";
import { useCallback, useEffect, useState } from "react";
import styles from "../../app/home.module.css";
import { toNamedError } from "../../lib/run-request";
import { Dialog } from "../bench/dialog";
import { DataTable } from "../data-table";
import { ErrorNote } from "../error-note";
import { Link } from "../link";
import { useLinkState, useRunner } from "../runner-provider";

const REFRESH_MS = 3000;

const pills: Record<GuestInfo["state"], string> = {
  queued: "pill warn",
  booting: "pill frozen",
  busy: "pill running",
  idle: "pill",
  suspended: "pill frozen",
};

const verbs = { extend: "Keep", end: "Stop" } as const;

const isUp = ({ state }: GuestInfo): boolean => state !== "queued" && state !== "booting";

/** Age and cost of what runs; one's own can be stopped, or kept longer. */
export function Guests() {
  const socket = useRunner();
  const link = useLinkState();
  const [guests, setGuests] = useState<readonly GuestInfo[] | null>(null);
  const [spares, setSpares] = useState<readonly SpareInfo[]>([]);
  const [now, setNow] = useState(0);
  const [error, setError] = useState<NamedError | null>(null);
  const [stopping, setStopping] = useState<GuestInfo | null>(null);

  const look = useCallback(() => {
    socket.request({ type: "guests" }).then(
      (reply) => {
        setGuests(reply.guests ?? []);
        setSpares(reply.spares ?? []);
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

  const keep = (experiment: string) => {
    setError(null);
    socket
      .request({ type: "extend", experiment })
      .then(look)
      .catch((failure: unknown) => setError(toNamedError(failure)));
  };
  if (guests === null)
    return (
      <p className="dim">
        {link.kind === "away" ? "Which run is known when the runner is back." : "Asking the runner …"}
      </p>
    );
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
            stacks
            marks={(g) => ({ "data-guest": g.experiment })}
            columns={[
              {
                head: <>Experiment</>,
                className: styles.name,
                cell: (g) => <Link href={`/x/${g.experiment}`}>{g.title}</Link>,
              },
              { head: <>State</>, cell: (g) => <span className={pills[g.state]}>{g.state}</span> },
              { head: "Guest", className: "mono", cell: (g) => `${g.kernel} · ${g.cpus} CPU · ${g.memMiB} MiB` },
              {
                head: "Age",
                num: true,
                cell: (g) => (isUp(g) ? formatMs(Math.max(0, now - Date.parse(g.bootedAt))) : "–"),
              },
              { head: "CPU time", num: true, cell: (g) => (g.cpuMs === null ? "–" : formatMs(g.cpuMs)) },
              { head: "Memory", num: true, cell: (g) => (g.rssBytes === null ? "–" : formatBytes(g.rssBytes)) },
              { head: "Watching", num: true, cell: (g) => g.watchers },
              {
                head: "Ends in",
                num: true,
                cell: (g) => (isUp(g) ? formatMs(Math.max(0, Date.parse(g.idleEndsAt) - now)) : "–"),
              },
              {
                head: <span className="visually-hidden">Actions</span>,
                cell: (g) =>
                  g.mine ? (
                    (["extend", "end"] as const).map((type) => (
                      <button
                        key={type}
                        type="button"
                        className={`btn ${styles.act}`}
                        aria-label={`${verbs[type]} ${g.title}`}
                        onClick={() => (type === "end" ? setStopping(g) : keep(g.experiment))}
                      >
                        {verbs[type]}
                      </button>
                    ))
                  ) : (
                    <span className="dim">another browser’s</span>
                  ),
              },
            ]}
          />
        )}
      </div>
      {stopping && (
        <Dialog
          title={`Stop ${stopping.title}`}
          submit="Stop"
          onClose={() => setStopping(null)}
          onSubmit={async () => {
            await socket.request({ type: "end", experiment: stopping.experiment });
            look();
          }}
        >
          <p>Its guest stops and the verdict over the steps done is given. The link stays, for good.</p>
        </Dialog>
      )}
      {spares.length > 0 && <SpareGuests spares={spares} now={now} />}
    </>
  );
}

/** Nobody's yet, and in nobody's way. */
function SpareGuests({ spares, now }: { spares: readonly SpareInfo[]; now: number }) {
  return (
    <>
      <div className={styles.recent}>
        <h2>Standing by</h2>
        <span className="dim">booted, then stopped: the next experiment takes one</span>
      </div>
      <div className={styles.list} data-testid="spares">
        <DataTable
          rows={spares}
          keyOf={(s) => s.readyAt}
          stacks
          columns={[
            { head: <>State</>, cell: () => <span className="pill frozen">spare</span> },
            { head: "Guest", className: "mono", cell: (s) => `${s.kernel} · ${s.cpus} CPU · ${s.memMiB} MiB` },
            { head: "For", num: true, cell: (s) => formatMs(Math.max(0, now - Date.parse(s.readyAt))) },
            { head: "Memory", num: true, cell: (s) => (s.rssBytes === null ? "–" : formatBytes(s.rssBytes)) },
          ]}
        />
      </div>
    </>
  );
}
