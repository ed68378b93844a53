"use client";
import type { NamedError } from "@crlab/shared";
import { useRouter } from "next/navigation";
import { type ReactNode, useState } from "react";
import { goToMade } from "../lib/made-here";
import { fetchAhead } from "../lib/parts";
import { toNamedError } from "../lib/run-request";
import type { Request } from "../lib/runner-socket";
import { shippedFile } from "../lib/shipped-file";
import { ErrorNote } from "./error-note";
import { useRunner } from "./runner-provider";

interface Creating {
  /** The title is what the page shows until the experiment says its own. */
  create: (request: Request | Promise<Request>, title?: string) => void;
  busy: boolean;
  error: NamedError | null;
}

/** Sends a request that makes an experiment, and goes there. */
export function useCreate(): Creating {
  const socket = useRunner();
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<NamedError | null>(null);
  const create: Creating["create"] = (request, title = "") => {
    setBusy(true);
    setError(null);
    const answered = request instanceof Promise ? request.then((r) => socket.request(r)) : socket.request(request);
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
  /** The file's, among those that come with the lab. */
  name: string;
  title: string;
  /** Only lays its steps out, to be run one by one. */
  byHand?: boolean;
  children: ReactNode;
}

/** Makes a new experiment of one that comes with the lab, and runs it. */
export function RunButton({ name, title, byHand = false, children }: RunProps) {
  const { create, busy, error } = useCreate();
  const ahead = () => void shippedFile(name).catch(() => undefined);
  const run = () => {
    const request = shippedFile(name).then((file): Request => ({ type: "create", file, autorun: !byHand }));
    create(request, title);
  };
  return (
    <>
      <button
        type="button"
        className={byHand ? "btn" : "btn primary"}
        aria-label={`${byHand ? "Step by step" : "Run"}: ${title}`}
        aria-busy={busy}
        onPointerEnter={ahead}
        onFocus={ahead}
        onClick={() => !busy && run()}
      >
        {children}
      </button>
      {error && <ErrorNote error={error} />}
    </>
  );
}
