"use client";
import type { ExperimentView, NamedError } from "@crlab/shared";
import { useState } from "react";
import { toNamedError } from "../../lib/run-request";
import { ErrorNote } from "../error-note";
import { useRunner } from "../runner-provider";
import { Dialog } from "./dialog";

/** What an experiment's owner may say of it at any time: its name, and that its result does not count. */
export function Annotate({ id, view }: { id: string; view: ExperimentView }) {
  const socket = useRunner();
  const [asked, setAsked] = useState<"name" | "mark" | null>(null);
  const [error, setError] = useState<NamedError | null>(null);
  const mark = (invalid: string | null) => socket.request({ type: "mark", experiment: id, invalid });
  return (
    <>
      <button type="button" className="btn" onClick={() => setAsked("name")}>
        Rename …
      </button>
      {view.invalid === null ? (
        <button type="button" className="btn" onClick={() => setAsked("mark")}>
          Mark invalid …
        </button>
      ) : (
        <button
          type="button"
          className="btn"
          onClick={() => {
            setError(null);
            void mark(null).catch((failure: unknown) => setError(toNamedError(failure)));
          }}
        >
          It counts again
        </button>
      )}
      {error && <ErrorNote error={error} onClose={() => setError(null)} />}
      {asked === "mark" && (
        <Dialog
          title="Mark this result invalid"
          submit="Mark"
          onClose={() => setAsked(null)}
          onSubmit={async (form) => {
            await mark(String(form.get("reason") ?? ""));
          }}
        >
          <p>Everybody who opens the link sees this first. The log stays as it is.</p>
          <label>
            Reason
            <input className="field" name="reason" required maxLength={300} autoComplete="off" />
          </label>
        </Dialog>
      )}
      {asked === "name" && (
        <Dialog
          title="Rename this experiment"
          submit="Rename"
          onClose={() => setAsked(null)}
          onSubmit={async (form) => {
            await socket.request({ type: "rename", experiment: id, title: String(form.get("title") ?? "").trim() });
          }}
        >
          <label>
            Title
            <input
              className="field"
              name="title"
              required
              maxLength={120}
              defaultValue={view.title}
              autoComplete="off"
            />
          </label>
        </Dialog>
      )}
    </>
  );
}
