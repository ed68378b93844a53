"use client";
import type { ImageDigest } from "@crlab/shared";
import { useMemo } from "react";
import { recordFields, type Said } from "../../lib/record-fields";
import styles from "./inspector.module.css";

interface Props {
  /** A record's bytes, base64. */
  data: string;
  digest: ImageDigest;
  onOffset: (offset: number) => void;
}

/** What a record's bytes say; an object that it names is a click away. */
export function FieldTable({ data, digest, onOffset }: Props) {
  const fields = useMemo(
    () =>
      recordFields(
        Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)),
        digest,
      ),
    [data, digest],
  );
  if (fields === null || fields.rows.length + fields.zero.length === 0) return null;
  return (
    <dl className={styles.fields} data-testid="fields">
      {fields.rows.map(({ name, lines }) => (
        <FieldLines key={name} name={name} lines={lines} onOffset={onOffset} />
      ))}
      {fields.zero.length > 0 && (
        <>
          <dt>zero</dt>
          <dd className="dim">{fields.zero.join(", ")}</dd>
        </>
      )}
    </dl>
  );
}

function FieldLines({ name, lines, onOffset }: { name: string; lines: Said[][]; onOffset: Props["onOffset"] }) {
  return (
    <>
      <dt>{name}</dt>
      {lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an element is known by its place
        <dd key={i}>
          {line.map((said, at) => (
            <span key={said.name}>
              {at > 0 && " · "}
              {said.name !== name && `${said.name} `}
              <Value said={said} onOffset={onOffset} />
            </span>
          ))}
        </dd>
      ))}
    </>
  );
}

function Value({ said: { text, to }, onOffset }: { said: Said; onOffset: Props["onOffset"] }) {
  if (to === null) return <b>{text}</b>;
  return (
    <>
      <button type="button" className={styles.offset} title="Its record" onClick={() => onOffset(to.offset)}>
        {text}
      </button>{" "}
      {[to.type, to.text].filter((part) => part !== "").join(" ")}
    </>
  );
}
