"use client";
import type { NamedError } from "@crlab/shared";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { toNamedError } from "../../lib/run-request";
import { ErrorNote } from "../error-note";
import styles from "./dialogs.module.css";

interface Props {
  title: string;
  submit?: string;
  /** Does it; a rejection is shown and the dialog stays. */
  onSubmit?: (form: FormData) => Promise<void>;
  onClose: () => void;
  children: ReactNode;
}

/** A modal form: the browser's own dialog, so that focus and Escape are right. */
export function Dialog({ title, submit, onSubmit, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<NamedError | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    setError(null);
    if (onSubmit === undefined) {
      onClose();
      return;
    }
    setBusy(true);
    onSubmit(new FormData(event.currentTarget))
      .then(onClose)
      .catch((failure: unknown) => {
        setError(toNamedError(failure));
        setBusy(false);
      });
  };
  return (
    <dialog ref={element} className={styles.dialog} aria-label={title} onCancel={onClose}>
      <form className={styles.form} onSubmit={send}>
        <h2>{title}</h2>
        {children}
        {error && <ErrorNote error={error} />}
        <div className={styles.row}>
          {submit !== undefined && (
            <button type="button" className="btn" onClick={onClose}>
              Cancel
            </button>
          )}
          <button type="submit" className="btn primary" aria-busy={busy}>
            {submit ?? "Close"}
          </button>
        </div>
      </form>
    </dialog>
  );
}
