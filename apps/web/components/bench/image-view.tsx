"use client";
import { type CheckpointView, formatBytes, type ImageDigest, recordAt } from "@crlab/shared";
import { useEffect, useMemo, useRef, useState } from "react";
import { hexOffset } from "../../lib/hex";
import { differences } from "../../lib/image-difference";
import { mappingChoices, shownRecords } from "../../lib/records";
import { DataTable } from "../data-table";
import { Choices } from "./choices";
import styles from "./inspector.module.css";
import { NotRead, type OnRead } from "./not-read";
import { type OnBytes, RecordBytes } from "./record-bytes";

/** What of an image is looked at, and how one looks at something else. */
export interface InImage {
  /** The checkpoint that it is compared with. */
  against: string | null;
  onAgainst: (name: string | null) => void;
  /** A record, or a byte of one. */
  offset: number | null;
  onOffset: (offset: number | null) => void;
  /** Null for those who watch, and while it cannot be done. */
  onBytes: OnBytes | null;
}

interface Props extends InImage {
  checkpoints: readonly CheckpointView[];
  shown: CheckpointView;
  onRead: OnRead | null;
}

/** An image: what kinds of record it holds, each record with its place, and how it differs from another. */
export function ImageView({ checkpoints, shown, onRead, against, onAgainst, offset, onOffset, onBytes }: Props) {
  const [type, setType] = useState("");
  const [search, setSearch] = useState("");
  const [mapping, setMapping] = useState("");
  const [access, setAccess] = useState("");
  const { digest } = shown;
  const open = digest === null || offset === null ? undefined : recordAt(digest, offset);
  const place = useRef<HTMLTableRowElement>(null);
  const openAt = open?.offset;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another record is another place
  useEffect(() => {
    // In braces: newer browsers answer a promise, which React would take for what ends the effect.
    place.current?.scrollIntoView({ block: "nearest" });
  }, [openAt, shown.name]);
  /** Whatever is looked for: it must be in sight. */
  const goTo = (to: number) => {
    for (const clear of [setType, setSearch, setMapping, setAccess]) clear("");
    onOffset(to);
  };
  if (digest === null) return <NotRead checkpoint={shown} onRead={onRead} />;
  const others = checkpoints.filter((c) => c.name !== shown.name);
  const other = others.find((c) => c.name === against);
  const records = shownRecords(digest, { type, words: search, mapping, access });
  const choices = mappingChoices(digest);
  return (
    <section className={styles.card} data-testid="image">
      <h3>
        <span>Image of {shown.name}</span>
        <span>{digest.complete ? "whole" : `not whole: ${digest.problem?.text ?? "no trailer"}`}</span>
      </h3>
      <Choices className={styles.thirds}>
        <label>
          Records
          <select className="field" value={type} onChange={(event) => setType(event.currentTarget.value)}>
            <option value="">all kinds</option>
            {digest.totals.map((t) => (
              <option key={t.type} value={t.type}>
                {t.type}: {t.records} ({formatBytes(t.bytes)})
              </option>
            ))}
          </select>
        </label>
        <label>
          Search
          <input
            className="field"
            type="search"
            value={search}
            placeholder="path, #7, 0x1f8"
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <label>
          Mappings
          <select className="field" value={mapping} onChange={(event) => setMapping(event.currentTarget.value)}>
            <option value="">any</option>
            {choices.mappings.map((what) => (
              <option key={what}>{what}</option>
            ))}
          </select>
        </label>
        <label>
          Protection
          <select className="field mono" value={access} onChange={(event) => setAccess(event.currentTarget.value)}>
            <option value="">any</option>
            {choices.accesses.map((may) => (
              <option key={may}>{may}</option>
            ))}
          </select>
        </label>
        {others.length > 0 && (
          <label>
            Compare with
            <select
              className="field"
              value={other?.name ?? ""}
              onChange={(event) => onAgainst(event.currentTarget.value || null)}
            >
              <option value="">nothing</option>
              {others.map((c) => (
                <option key={c.name} value={c.name}>
                  {c.name}
                </option>
              ))}
            </select>
          </label>
        )}
      </Choices>
      {other &&
        (other.digest === null ? (
          <NotRead checkpoint={other} onRead={onRead} />
        ) : (
          <Difference
            {...(others.indexOf(other) < checkpoints.indexOf(shown)
              ? { from: other, to: shown, before: other.digest, after: digest }
              : { from: shown, to: other, before: digest, after: other.digest })}
          />
        ))}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <div className={styles.records} tabIndex={0}>
        <DataTable
          rows={records}
          keyOf={(r) => r.offset}
          marks={(r) => ({ "data-open": r.offset === openAt })}
          rowRef={(r) => (r.offset === openAt ? place : undefined)}
          below={(r) =>
            r.offset === openAt && (
              <RecordBytes
                checkpoint={shown}
                digest={digest}
                record={r}
                offset={offset ?? r.offset}
                onOffset={goTo}
                onBytes={onBytes}
              />
            )
          }
          columns={[
            {
              head: "Offset",
              cell: (r) => (
                <button
                  type="button"
                  className={`dim ${styles.offset}`}
                  aria-expanded={r.offset === openAt}
                  title="Its bytes"
                  onClick={() => onOffset(r.offset === openAt ? null : r.offset)}
                >
                  {hexOffset(r.offset)}
                </button>
              ),
            },
            {
              head: "Record",
              cell: (r) => (
                <>
                  {r.type}
                  {r.objref > 0 && <span className="dim"> #{r.objref}</span>}
                </>
              ),
            },
            {
              head: "Holds",
              className: styles.path,
              cell: (r) => (
                <>
                  {r.access !== null && <span className={styles.access}>{r.access}</span>} {r.text}
                </>
              ),
            },
            { head: "Bytes", num: true, cell: (r) => r.bytes },
          ]}
        />
      </div>
      {records.length === 0 && <p className={styles.none}>No record of that kind says this.</p>}
      {digest.leftOut > 0 && <p className={styles.none}>{digest.leftOut} more are not shown.</p>}
    </section>
  );
}

/** Only what differs, a table for each kind of thing. */
function Difference({
  from,
  to,
  before,
  after,
}: {
  from: CheckpointView;
  to: CheckpointView;
  before: ImageDigest;
  after: ImageDigest;
}) {
  const found = useMemo(() => differences(before, after), [before, after]);
  if (found.length === 0)
    return <p className={styles.none}>Nothing differs: processes, descriptors, mappings, pages, records.</p>;
  return (
    <div data-testid="difference" className={styles.difference}>
      {found.map(({ of, rows }) => (
        <DataTable
          key={of}
          rows={rows}
          keyOf={(row) => row.what}
          columns={[
            { head: of, cell: (row) => row.what },
            { head: from.name, cell: (row) => row.before },
            { head: to.name, cell: (row) => row.after },
          ]}
        />
      ))}
    </div>
  );
}
