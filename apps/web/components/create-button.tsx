"use client";
import type { ExperimentFile, NamedError } from "@crlab/shared";
import { useRouter } from "next/navigation";
import { type ReactNode, useRef, useState } from "react";
import { madeHere } from "../lib/experiment-feed";
import { useHydrated } from "../lib/hydrated";
import { fetchAhead, fetchSoon } from "../lib/parts";
import { toNamedError } from "../lib/run-request";
import type { Request } from "../lib/runner-socket";
import { ErrorNote } from "./error-note";
import { useRunner } from "./runner-provider";

/** Sends a request that makes an experiment, and goes there. */
export function useCreate(): { create: (request: Request) => void; busy: boolean; error: NamedError | null } {
  const socket = useRunner();
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<NamedError | null>(null);
  const create = (request: Request) => {
    setBusy(true);
    setError(null);
    const answered = socket.request(request);
    // Not before: the guest comes up meanwhile.
    fetchAhead();
    answered
      .then((reply) => {
        if (reply.experiment) {
          madeHere.add(reply.experiment);
          router.push(`/x/${reply.experiment}`);
        } else if (reply.sweep) router.push(`/s/${reply.sweep}`);
      })
      .catch((failure: unknown) => setError(toNamedError(failure)))
      .finally(() => setBusy(false));
  };
  return { create, busy, error };
}

interface RunProps {
  file: ExperimentFile;
  /** Only lays its steps out, to be run one by one. */
  byHand?: boolean;
  children: ReactNode;
}

/** Makes a new experiment of a file, and runs it. */
export function RunButton({ file, byHand = false, children }: RunProps) {
  const { create, busy, error } = useCreate();
  const hydrated = useHydrated();
  const unwanted = useRef<(() => void) | undefined>(undefined);
  return (
    <>
      <button
        type="button"
        className={byHand ? "btn" : "btn primary"}
        aria-label={`${byHand ? "Step by step" : "Run"}: ${file.title}`}
        aria-busy={busy}
        disabled={!hydrated}
        onPointerEnter={() => {
          unwanted.current = fetchSoon();
        }}
        onPointerLeave={() => unwanted.current?.()}
        onClick={() => !busy && create({ type: "create", file, autorun: !byHand })}
      >
        {children}
      </button>
      {error && <ErrorNote error={error} />}
    </>
  );
}
