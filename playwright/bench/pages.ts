/** First loads, the heat map of a million pages, and pages over ten thousand experiments. */
import { type DigestMapping, formatMs, type ImageDigest, type LogEvent } from "@crlab/shared";
import { createClient } from "@libsql/client";
import type { Browser } from "@playwright/test";
import { sealOf } from "../../apps/runner/src/store/identity.js";
import { FIRST_LOAD_BYTES, firstLoad } from "../first-load.js";
import { startLab } from "../lab.js";
import { imported } from "./audits.js";
import { type Figures, median, ns, quantile } from "./figures.js";

const KB = 1000;
const PAGES = 1_000_000;
const EXPERIMENTS = 10_000;

/** JavaScript that a first visit fetches by itself. */
export async function firstLoads(browser: Browser, url: string, share: string, figures: Figures): Promise<void> {
  for (const [name, path] of [
    ["home", "/"],
    ["share page", share],
  ] as const) {
    const { bytes, files } = await firstLoad(browser, `${url}${path}`);
    figures.add(`first load, ${name}`, "scriptBytes", [bytes]);
    const got = `${Math.round(bytes / KB)} KB in ${files.length} files`;
    figures.target(`first load of the ${name}`, "at most 150 KB of JavaScript, gzip", got, bytes <= FIRST_LOAD_BYTES);
  }
}

/** The log of an experiment with a full checkpoint of a million pages and an increment over it. */
function millionPages(log: readonly LogEvent[]): LogEvent[] {
  const digest = (runs: DigestMapping["runs"]): ImageDigest => ({
    ...{ complete: true, problem: null, totals: [], records: [], leftOut: 0 },
    spaces: [
      {
        objref: 1,
        pids: [50],
        mappings: [
          { start: "0x10000000", pages: PAGES, access: "rw-", kind: "anonymous", name: "[heap]", offset: 0, runs },
        ],
      },
    ],
  });
  const scattered: DigestMapping["runs"] = [];
  for (let at = 0; at < PAGES; at += 250) scattered.push([at, 1 + ((at / 250) % 90), 1]);
  // Before the experiment's end, whether or not there was time to read the real images.
  const others = log.filter((event) => event.type !== "checkpoint.read");
  const { atMs = 0 } = others.at(-1) ?? {};
  const read = others.flatMap((event): LogEvent[] =>
    event.type === "checkpoint.finished"
      ? [
          {
            ...{ type: "checkpoint.read", seq: 0, atMs, name: event.name },
            digest: digest(event.name === "full" ? [[0, PAGES, 1]] : scattered),
          },
        ]
      : [],
  );
  const all = [...others.slice(0, -1), ...read, ...others.slice(-1)];
  // It is another log now, and has another digest at its end.
  return all.map((event, i) => ({ ...event, seq: i + 1, ...("logDigest" in event ? { logDigest: undefined } : {}) }));
}

/** Moves the map under the pointer for some seconds, and counts frames. */
export async function heatMap(browser: Browser, url: string, archive: unknown, figures: Figures): Promise<void> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(url);
  const copy = structuredClone(archive) as { events: LogEvent[]; digest: string };
  copy.events = millionPages(copy.events);
  copy.digest = sealOf(copy.events).digest;
  await page.goto(`${url}${await imported(page, JSON.stringify(copy))}`);
  await page.getByRole("tab", { name: "Memory" }).click();
  const canvas = page.getByTestId("heat-canvas");
  await canvas.scrollIntoViewIfNeeded();
  const gaps = await canvas.evaluate(async (element) => {
    const box = element.getBoundingClientRect();
    // A method, as tsx gives functions their names by a helper that the page does not have.
    const pointer = {
      send(type: string, x: number) {
        element.dispatchEvent(
          new PointerEvent(type, {
            ...{ bubbles: true, pointerId: 1, pointerType: "mouse", isPrimary: true, buttons: 1, button: 0 },
            ...{ clientX: box.left + x, clientY: box.top + box.height / 2 },
          }),
        );
      },
    };
    // There is no such pointer to capture.
    element.setPointerCapture = () => {};
    pointer.send("pointerdown", box.width / 2);
    const found: number[] = [];
    await new Promise(requestAnimationFrame);
    let last = performance.now();
    for (let i = 0; i < 300; i++) {
      pointer.send("pointermove", box.width / 2 + 40 * Math.sin(i / 10));
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      found.push(now - last);
      last = now;
    }
    pointer.send("pointerup", box.width / 2);
    return found;
  });
  figures.add("heat map of 1,000,000 pages", "frameNs", gaps.map(ns));
  const mean = 1000 / (gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length);
  figures.target(
    "heat map of 1,000,000 pages, panning",
    "60 frames a second (at least 58 counted)",
    `${mean.toFixed(1)} a second, slowest ${formatMs(quantile(gaps, 1))}`,
    mean >= 58,
  );
  await page.context().close();
}

/** Home and search over copies of a real experiment's rows. */
export async function tenThousand(database: string, id: string, figures: Figures, rounds: number): Promise<void> {
  const lab = await startLab({
    prepare: async (into) => {
      const client = createClient({ url: `file:${into}` });
      await client.execute(`ATTACH '${database.replaceAll("'", "''")}' AS one`);
      const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${EXPERIMENTS})`;
      await client.execute({
        sql: `${numbers} INSERT INTO experiments SELECT printf('many%08d', i), title || ' ' || i, question, owner,
          strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', '+' || i || ' minutes'), status, verdict, NULL, last_seq, last_ms,
          words FROM n, one.experiments WHERE id = ?`,
        args: [id],
      });
      await client.execute({
        sql: `${numbers} INSERT INTO events SELECT printf('many%08d', i), seq, at_ms, type, terminal, end_offset, json
          FROM n, one.events WHERE experiment_id = ? AND type NOT IN ('checkpoint.read', 'terminal.output')`,
        args: [id],
      });
      client.close();
    },
  });
  try {
    for (const [name, path, shows] of [
      ["home", () => "/", `${EXPERIMENTS.toLocaleString("en")} experiments`],
      // Another one each time: what was listed lately is kept at hand.
      ["search", (round: number) => `/?q=${7000 + round}`, "1 experiment"],
    ] as const) {
      const samples: number[] = [];
      for (let round = -2; round < rounds * 4; round++) {
        const began = performance.now();
        const html = await (await fetch(`${lab.url}${path(round)}`, { headers: { accept: "text/html" } })).text();
        if (round >= 0) samples.push(performance.now() - began);
        const text = html.replace(/<!-- -->/g, "");
        if (!text.includes(shows.replace(",", "")) && !text.includes(shows))
          throw new Error(`${name} does not say "${shows}"`);
      }
      figures.add(`${EXPERIMENTS} experiments, ${name}`, "pageNs", samples.map(ns));
      const got = median(samples);
      const wanted = "at most 100 ms on the server (median)";
      figures.target(`${EXPERIMENTS} experiments: ${name}`, wanted, formatMs(got), got <= 100);
    }
  } finally {
    await lab.stop();
  }
}
