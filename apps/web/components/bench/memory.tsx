"use client";
import { type DigestMapping, type ExperimentView, formatBytes, unreadable } from "@crlab/shared";
import { useEffect, useRef } from "react";
import { pageStrip } from "../../lib/page-strip";
import { onThemeChange } from "../../lib/theme-change";
import { DataTable } from "../data-table";
import { Choices } from "./choices";
import { HeatMap } from "./heat-map";
import type { InImage } from "./image-view";
import styles from "./inspector.module.css";
import { NotRead, type OnRead } from "./not-read";

const PAGE_BYTES = 4096;

/** The address spaces of a checkpoint: each mapping a strip, its pages by where their contents are. */
export function Memory({
  view,
  chosen,
  onChoose,
  onRead,
  against,
  onAgainst,
}: {
  view: ExperimentView;
  chosen: string | null;
  onChoose: (name: string) => void;
  onRead: OnRead | null;
} & Pick<InImage, "against" | "onAgainst">) {
  const shown = view.checkpoints.find((c) => c.name === chosen) ?? view.checkpoints.at(-1);
  if (shown === undefined)
    return <p className={styles.none}>Take a checkpoint first: the map shows the memory that is in it.</p>;
  const foreign = unreadable(view.manifest);
  if (foreign !== null) return <p className={styles.none}>{foreign}</p>;
  return (
    <>
      <Choices>
        <label>
          Checkpoint
          <select className="field" value={shown.name} onChange={(event) => onChoose(event.currentTarget.value)}>
            {view.checkpoints.map((c) => (
              <option key={c.name} value={c.name}>
                {c.name}: {c.mode}
              </option>
            ))}
          </select>
        </label>
        <ul className={styles.legend} aria-label="Colours">
          <li data-pages="data">{shown.parent === null ? "in the image" : `changed since ${shown.parent}`}</li>
          {shown.parent !== null && <li data-pages="parent">as in {shown.parent}</li>}
          <li data-pages="zero">zero</li>
          <li data-pages="none">not there</li>
        </ul>
      </Choices>
      {shown.digest === null ? (
        <NotRead checkpoint={shown} onRead={onRead} />
      ) : (
        shown.digest.spaces.map((space) => (
          <section key={space.objref} className={styles.card} data-testid={`space-${space.objref}`}>
            <h3>
              <span>{shown.parent === null ? "Pages" : `Pages, ${shown.parent} → ${shown.name}`}</span>
              <span className="mono">pid {space.pids.join(", ")}</span>
            </h3>
            <DataTable
              className={styles.map}
              headHidden
              rows={space.mappings}
              keyOf={(m) => m.start}
              columns={[
                {
                  head: "Mapping",
                  className: styles.mapName,
                  cell: (m) => (
                    <>
                      {m.name.replace(/^.*\//, "") || m.kind}
                      <span className="dim"> {formatBytes(m.pages * PAGE_BYTES)}</span>
                    </>
                  ),
                },
                { head: "Pages", className: styles.mapStrip, cell: (m) => <PageCanvas mapping={m} /> },
                { head: "Access", num: true, className: "dim", cell: (m) => m.access },
              ]}
            />
          </section>
        ))
      )}
      <HeatMap view={view} shown={shown} since={against} onSince={onAgainst} onRead={onRead} />
    </>
  );
}

const count = (mapping: DigestMapping, kind: number) =>
  mapping.runs.reduce((sum, [, pages, k]) => sum + (k === kind ? pages : 0), 0);

/** Drawn again when its width or the theme changes. */
function PageCanvas({ mapping }: { mapping: DigestMapping }) {
  const said = `${count(mapping, 1)} in the image, ${count(mapping, 3)} as in the parent, ${count(mapping, 2)} zero, of ${mapping.pages} pages`;
  const element = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = element.current;
    if (!canvas) return;
    const draw = () => {
      const scale = window.devicePixelRatio || 1;
      const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
      const context = canvas.getContext("2d");
      if (!context || width === 0) return;
      canvas.width = width;
      canvas.height = height;
      const { data, zero, parent } = pageStrip(mapping.pages, mapping.runs, width);
      const style = getComputedStyle(canvas);
      const paint = (shares: Float32Array, colour: string) => {
        context.fillStyle = colour;
        shares.forEach((share, column) => {
          if (share === 0) return;
          // A single changed page among thousands must still be seen.
          context.globalAlpha = Math.max(0.35, share);
          context.fillRect(column, 0, 1, height);
        });
        context.globalAlpha = 1;
      };
      // Properties that hold colours give them resolved for the theme; custom ones do not.
      paint(parent, style.outlineColor);
      paint(zero, style.textDecorationColor);
      paint(data, style.color);
    };
    draw();
    const sizes = new ResizeObserver(draw);
    sizes.observe(canvas);
    const unhear = onThemeChange(draw);
    return () => {
      sizes.disconnect();
      unhear();
    };
  }, [mapping]);
  return (
    <canvas
      ref={element}
      className={styles.strip}
      role="img"
      aria-label={said}
      title={`${mapping.start} ${mapping.name}: ${said}`}
    />
  );
}
