"use client";
import type { ExperimentFile, NamedError } from "@crlab/shared";
import { useRouter } from "next/navigation";
import { type ReactNode, useState } from "react";
import { goToMade } from "../lib/made-here";
import { fetchAhead } from "../lib/parts";
import { toNamedError } from "../lib/run-request";
import type { Request } from "../lib/runner-socket";
import { ErrorNote } from "./error-note";
import { useRunner } from "./runner-provider";

interface Creating {
  /** The title is what the page shows until the experiment says its own. */
  create: (request: Request, title?: string) => void;
  busy: boolean;
  error: NamedError | null;
}

/** Sends a request that makes an experiment, and goes there. */
export function useCreate(): Creating {
  const socket = useRunner();
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<NamedError | null>(null);
  const create = (request: Request, title = "") => {
    setBusy(true);
    setError(null);
    const answered = socket.request(request);
    // Not before: the guest comes up meanwhile.
    fetchAhead();
    answered
      .then((reply) => {
        if (reply.experiment) return goToMade(reply.experiment, title);
        if (reply.sweep) router.push(`/s/${reply.sweep}`);
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
  return (
    <>
      <button
        type="button"
        className={byHand ? "btn" : "btn primary"}
        aria-label={`${byHand ? "Step by step" : "Run"}: ${file.title}`}
        aria-busy={busy}
        onClick={() => !busy && create({ type: "create", file, autorun: !byHand }, file.title)}
      >
        {children}
      </button>
      {error && <ErrorNote error={error} />}
    </>
  );
}
