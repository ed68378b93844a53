"use client";
import { type NamedError, type ProgramInfo, workloads } from "@crlab/shared";
import { useCallback, useEffect, useState } from "react";
import { toNamedError } from "../../lib/run-request";
import { ErrorNote } from "../error-note";
import { useRunner } from "../runner-provider";
import { Dialog } from "./dialog";
import { OwnProgram, ownStep } from "./own-program";

const OWN = "own program";
const text = (form: FormData, name: string): string => String(form.get(name) ?? "").trim();

interface StartProps {
  taken: readonly string[];
  onClose: () => void;
  onSubmit: (make: (form: FormData) => unknown) => (form: FormData) => Promise<void>;
}

/** A listed workload, a program of one's own, or any command. */
export function StartDialog({ taken, onClose, onSubmit }: StartProps) {
  const [workload, setWorkload] = useState<string>(workloads[0].name);
  const socket = useRunner();
  const [programs, setPrograms] = useState<readonly ProgramInfo[]>([]);
  const look = useCallback(
    () =>
      socket.request({ type: "programs" }).then(
        (reply) => setPrograms(reply.programs ?? []),
        () => undefined,
      ),
    [socket],
  );
  useEffect(() => void look(), [look]);
  const [error, setError] = useState<NamedError | null>(null);
  const remove = (program: string) => {
    setError(null);
    socket
      .request({ type: "program.remove", program })
      .catch((failure: unknown) => setError(toNamedError(failure)))
      .finally(look);
  };
  const chosen = workloads.find((w) => w.name === workload);
  const base = chosen?.name ?? (workload === OWN ? "own" : "command");
  const name = taken.includes(base) ? `${base}-${taken.length + 1}` : base;
  return (
    <Dialog
      title="Start a workload"
      submit="Start"
      onClose={onClose}
      onSubmit={onSubmit((form) => {
        const args = text(form, "args").split(/\s+/).filter(Boolean);
        if (workload === OWN) return ownStep(form, name);
        return chosen
          ? { kind: "start", name, workload: chosen.name, args }
          : { kind: "start", name, command: ["/bin/sh", "-c", `exec ${text(form, "command")}`] };
      })}
    >
      <label>
        Workload
        <select className="field" value={workload} onChange={(event) => setWorkload(event.currentTarget.value)}>
          {workloads.map((w) => (
            <option key={w.name} value={w.name}>
              {w.title}
            </option>
          ))}
          <option value={OWN}>Your program …</option>
          <option value="">Any command …</option>
        </select>
      </label>
      {chosen ? (
        <>
          <p className="dim">{chosen.shows}</p>
          <label>
            Arguments
            <input
              key={chosen.name}
              className="field mono"
              name="args"
              defaultValue={chosen.args.join(" ")}
              autoComplete="off"
            />
          </label>
        </>
      ) : workload === OWN ? (
        <>
          <OwnProgram programs={programs} onRemove={remove} />
          {error && <ErrorNote error={error} />}
        </>
      ) : (
        <label>
          Command, by /bin/sh in the guest
          <input className="field mono" name="command" required autoComplete="off" />
        </label>
      )}
    </Dialog>
  );
}
