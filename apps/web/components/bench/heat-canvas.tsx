"use client";
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef, useState } from "react";
import {
  fitPlace,
  type Heat,
  type HeatMode,
  type HeatPlace,
  heatPixels,
  pageAt,
  type Rgb,
  zoomPlace,
} from "../../lib/heat";
import { onThemeChange } from "../../lib/theme-change";
import styles from "./heat-map.module.css";

const PAN_PX = 40;
const ZOOM = 1.5;

/** A colour of the theme as numbers, whatever notation it is written in. */
function rgbOf(colour: string): Rgb {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  if (!context) return [128, 128, 128];
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0] = context.getImageData(0, 0, 1, 1).data;
  return [r, g, b];
}

/** The cells, drawn once for all zooms, and moved and enlarged as a picture. */
export function HeatCanvas({ heat, mode, names }: { heat: Heat; mode: HeatMode; names: readonly string[] }) {
  const element = useRef<HTMLCanvasElement>(null);
  const pixels = useRef<OffscreenCanvas | null>(null);
  const place = useRef<HeatPlace | null>(null);
  const frame = useRef(0);
  const drag = useRef<{ x: number; y: number } | null>(null);
  const [said, setSaid] = useState("");

  const draw = useCallback(() => {
    const canvas = element.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || !pixels.current) return;
    place.current ??= fitPlace(heat, canvas.width, canvas.height);
    const { x, y, scale } = place.current;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(pixels.current, x, y, heat.columns * scale, heat.rows * scale);
    canvas.dataset.scale = scale.toFixed(3);
  }, [heat]);
  const redraw = useCallback(() => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(draw);
  }, [draw]);
  const least = () => {
    const canvas = element.current;
    return canvas ? fitPlace(heat, canvas.width, canvas.height).scale : 1;
  };
  const pan = (dx: number, dy: number) => {
    if (place.current) place.current = { ...place.current, x: place.current.x + dx, y: place.current.y + dy };
    redraw();
  };
  const zoom = (factor: number, x?: number, y?: number) => {
    const canvas = element.current;
    if (!canvas || !place.current) return;
    place.current = zoomPlace(place.current, factor, x ?? canvas.width / 2, y ?? canvas.height / 2, least());
    redraw();
  };
  const fit = () => {
    place.current = null;
    redraw();
  };

  // The picture is made again when the pages or the theme change, and drawn again when its place changes.
  useEffect(() => {
    const canvas = element.current;
    if (!canvas) return;
    const paint = () => {
      const style = getComputedStyle(canvas);
      const colours = {
        hot: rgbOf(style.color),
        cold: rgbOf(style.outlineColor),
        absent: rgbOf(style.textDecorationColor),
      };
      const image = new ImageData(heat.columns, Math.max(1, heat.rows));
      image.data.set(heatPixels(heat, mode, names.length, colours));
      const made = new OffscreenCanvas(heat.columns, Math.max(1, heat.rows));
      made.getContext("2d")?.putImageData(image, 0, 0);
      pixels.current = made;
      draw();
    };
    const size = () => {
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(canvas.clientWidth * ratio);
      canvas.height = Math.round(canvas.clientHeight * ratio);
      place.current = null;
      draw();
    };
    size();
    paint();
    const sizes = new ResizeObserver(size);
    sizes.observe(canvas);
    const unhear = onThemeChange(paint);
    return () => {
      sizes.disconnect();
      unhear();
    };
  }, [heat, mode, names.length, draw]);

  // React listens to wheels passively, and such a listener cannot keep the page from scrolling.
  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== element.current) return;
    event.preventDefault();
    const [x, y] = at(event);
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, x, y);
  };
  useEffect(() => {
    const canvas = element.current;
    const listen = (event: WheelEvent) => wheel.current(event);
    canvas?.addEventListener("wheel", listen, { passive: false });
    return () => canvas?.removeEventListener("wheel", listen);
  }, []);

  const at = (event: { offsetX: number; offsetY: number }): [number, number] => {
    const ratio = window.devicePixelRatio || 1;
    return [event.offsetX * ratio, event.offsetY * ratio];
  };
  const tell = (x: number, y: number) => {
    if (!place.current) return;
    const column = Math.floor((x - place.current.x) / place.current.scale);
    const row = Math.floor((y - place.current.y) / place.current.scale);
    const found = pageAt(heat, column, row);
    if (!found) {
      setSaid("");
      return;
    }
    const cell = row * heat.columns + column;
    const times = heat.times[cell] ?? 0;
    const latest = heat.latest[cell] ?? 0;
    const what =
      latest === 0
        ? "in no image"
        : times === 0
          ? "not written since"
          : `written in ${times} of ${names.length}, last ${names[latest - 1]}`;
    setSaid(
      `0x${(found.page * 4096).toString(16)} ${found.mapping.name.replace(/^.*\//, "")} ${found.mapping.access}: ${what}`,
    );
  };
  const move = (event: PointerEvent<HTMLCanvasElement>) => {
    const [x, y] = at(event.nativeEvent);
    if (drag.current) {
      pan(x - drag.current.x, y - drag.current.y);
      drag.current = { x, y };
    } else tell(x, y);
  };
  const press = (event: KeyboardEvent<HTMLCanvasElement>) => {
    const keys = new Map<string, () => void>([
      ["ArrowLeft", () => pan(PAN_PX, 0)],
      ["ArrowRight", () => pan(-PAN_PX, 0)],
      ["ArrowUp", () => pan(0, PAN_PX)],
      ["ArrowDown", () => pan(0, -PAN_PX)],
      ["+", () => zoom(ZOOM)],
      ["=", () => zoom(ZOOM)],
      ["-", () => zoom(1 / ZOOM)],
      ["0", fit],
    ]);
    const act = keys.get(event.key);
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
    const canvas = element.current;
    if (canvas) tell(canvas.width / 2, canvas.height / 2);
  };
  return (
    <>
      <canvas
        ref={element}
        className={styles.canvas}
        data-testid="heat-canvas"
        tabIndex={0}
        role="img"
        aria-label={`${heat.written} of ${heat.present} pages were written. Arrows move, plus and minus zoom, 0 shows all.`}
        onPointerDown={(event) => {
          const [x, y] = at(event.nativeEvent);
          drag.current = { x, y };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={move}
        onPointerUp={() => {
          drag.current = null;
        }}
        onPointerLeave={() => setSaid("")}
        onKeyDown={press}
      />
      <div className={styles.below}>
        <span className={styles.said} role="status">
          {said || `${heat.columns} pages a row; drag, or focus and use arrows, + and −`}
        </span>
        <button type="button" className="btn quiet" aria-label="Zoom out" onClick={() => zoom(1 / ZOOM)}>
          −
        </button>
        <button type="button" className="btn quiet" aria-label="Zoom in" onClick={() => zoom(ZOOM)}>
          +
        </button>
        <button type="button" className="btn quiet" onClick={fit}>
          all
        </button>
      </div>
    </>
  );
}
