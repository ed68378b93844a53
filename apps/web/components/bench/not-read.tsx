"use client";
import type { CheckpointView, NamedError } from "@crlab/shared";
import { useState } from "react";
import { toNamedError } from "../../lib/run-request";
import { ErrorNote } from "../error-note";
import styles from "./inspector.module.css";

/** Opens a checkpoint's image, so that all who look see what is in it. */
export type OnRead = (checkpoint: string) => Promise<void>;

/** Stands where an image's contents will be. */
export function NotRead({ checkpoint, onRead }: { checkpoint: CheckpointView; onRead: OnRead | null }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<NamedError | null>(null);
  if (!checkpoint.available || onRead === null)
    return (
      <p className={styles.none}>
        {checkpoint.available
          ? `Nobody has opened the image of ${checkpoint.name} yet; its driver can.`
          : `The image of ${checkpoint.name} went with its guest before anybody opened it.`}
      </p>
    );
  const open = () => {
    setBusy(true);
    setError(null);
    onRead(checkpoint.name)
      .catch((failure: unknown) => setError(toNamedError(failure)))
      .finally(() => setBusy(false));
  };
  return (
    <div className={styles.buttons}>
      <button type="button" className="btn" aria-busy={busy} onClick={() => !busy && open()}>
        {busy ? "Reading …" : `Open the image of ${checkpoint.name}`}
      </button>
      {error && <ErrorNote error={error} />}
    </div>
  );
}
