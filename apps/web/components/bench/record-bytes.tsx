"use client";
import { type CheckpointView, type ImageDigest, MAX_IMAGE_BYTES, type NamedError } from "@crlab/shared";
import { lazy, Suspense, useState } from "react";
import { hexByte, hexLines, hexOffset } from "../../lib/hex";
import { toNamedError } from "../../lib/run-request";
import { ErrorNote } from "../error-note";
import styles from "./inspector.module.css";

const FieldTable = lazy(() => import("./field-table").then((m) => ({ default: m.FieldTable })));

/** Reads some of an image's bytes into the log, so that all who look see them. */
export type OnBytes = (checkpoint: string, offset: number, length: number) => Promise<void>;

interface Props {
  checkpoint: CheckpointView;
  digest: ImageDigest;
  record: ImageDigest["records"][number];
  /** The byte that a link or an error speaks of. */
  offset: number;
  onOffset: (offset: number) => void;
  onBytes: OnBytes | null;
}

/** A record's bytes, its head first, and what they say. */
export function RecordBytes({ checkpoint, digest, record, offset, onOffset, onBytes }: Props) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<NamedError | null>(null);
  const piece = checkpoint.bytes.find((p) => p.offset === record.offset);
  if (piece === undefined) {
    if (!checkpoint.available || onBytes === null)
      return (
        <p className={styles.none}>
          {checkpoint.available
            ? "Nobody has looked at its bytes yet; the experiment’s driver can."
            : "Nobody looked at its bytes while its guest was there."}
        </p>
      );
    const read = () => {
      setBusy(true);
      setError(null);
      onBytes(checkpoint.name, record.offset, Math.min(record.bytes, MAX_IMAGE_BYTES))
        .catch((failure: unknown) => setError(toNamedError(failure)))
        .finally(() => setBusy(false));
    };
    return (
      <div className={styles.bytes}>
        <button type="button" className="btn" aria-busy={busy} onClick={() => !busy && read()}>
          {busy ? "Reading …" : "Show its bytes"}
        </button>
        {error && <ErrorNote error={error} />}
      </div>
    );
  }
  const lines = hexLines(piece.data, piece.offset);
  const shown = lines.reduce((sum, line) => sum + line.bytes.length, 0);
  return (
    <div className={styles.bytes}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre data-testid="bytes" tabIndex={0}>
        {lines.map((line) => (
          <span key={line.offset}>
            <span className="dim">{hexOffset(line.offset).padEnd(10)}</span>
            {line.bytes.map((byte, i) => {
              const at = line.offset + i;
              return at === offset && offset !== record.offset ? (
                <b key={at} className={styles.hit}>{`${hexByte(byte)} `}</b>
              ) : (
                `${hexByte(byte)} `
              );
            })}
            {`${"   ".repeat(8 - line.bytes.length)} ${line.text}\n`}
          </span>
        ))}
      </pre>
      {shown < record.bytes && (
        <p className="dim">
          The first {shown} of {record.bytes} bytes.
        </p>
      )}
      <Suspense fallback={null}>
        <FieldTable data={piece.data} digest={digest} onOffset={onOffset} />
      </Suspense>
    </div>
  );
}
