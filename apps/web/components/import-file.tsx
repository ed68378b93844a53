"use client";
import { experimentId, type NamedError, namedError } from "@crlab/shared";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { z } from "zod";
import styles from "../app/home.module.css";
import { askConsole } from "../lib/ask-console";
import { useHydrated } from "../lib/hydrated";
import { toNamedError } from "../lib/run-request";
import { RequestError } from "../lib/runner-socket";
import { ErrorNote } from "./error-note";

const answer = z.union([z.object({ experiment: experimentId }), z.object({ error: namedError })]);

async function send(file: File): Promise<string> {
  const said = answer.parse(await askConsole("/import", { method: "POST", body: file }));
  if ("error" in said) throw new RequestError(said.error);
  return said.experiment;
}

/** An experiment that another lab has written as one file. */
export function ImportFile() {
  const router = useRouter();
  const hydrated = useHydrated();
  const [error, setError] = useState<NamedError | null>(null);
  const [busy, setBusy] = useState(false);
  const take = (file: File | undefined) => {
    if (!file) return;
    setBusy(true);
    setError(null);
    send(file)
      .then((id) => router.push(`/x/${id}`))
      .catch((failure: unknown) => setError(toNamedError(failure)))
      .finally(() => setBusy(false));
  };
  return (
    <section aria-labelledby="import">
      <h2 id="import">From another lab</h2>
      <div className={styles.form}>
        <label>
          A file that “Download JSON” made
          <input
            className="field"
            type="file"
            accept=".json,application/json"
            disabled={!hydrated || busy}
            onChange={(event) => take(event.currentTarget.files?.[0])}
          />
        </label>
        {error && <ErrorNote error={error} />}
      </div>
    </section>
  );
}
