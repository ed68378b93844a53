/** A hundred viewers of one experiment while eight guests run: is the log whole for each, and does the driver notice? */
import { experimentArchive, formatMs, type LogEvent, serverMessage } from "@crlab/shared";
import type { Browser } from "@playwright/test";
import { WebSocket } from "ws";
import { type Figures, ns, quantile } from "./figures.js";
import { bootByHand, end, measureEcho, openShell, watchEcho } from "./terminal.js";

const VIEWERS = 100;
const GUESTS = 8;
const KEYS = 200;

interface Viewer {
  seqs: number[];
  close(): void;
}

async function watch(url: string, experiment: string): Promise<Viewer> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, { origin: url });
  const seqs: number[] = [];
  socket.on("message", (data, isBinary) => {
    if (isBinary) return;
    const message = serverMessage.parse(JSON.parse(String(data)));
    if (message.type === "events" && message.experiment === experiment)
      seqs.push(...message.events.map((e: LogEvent) => e.seq));
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.send(JSON.stringify({ id: 1, type: "subscribe", experiment, since: 0 }));
  return { seqs, close: () => socket.close() };
}

export async function crowd(browser: Browser, url: string, figures: Figures): Promise<void> {
  const others = await browser.newContext();
  for (let i = 1; i < GUESTS; i++) await bootByHand(await others.newPage(), url, `Guest ${i + 1}`);
  const page = await (await browser.newContext()).newPage();
  await watchEcho(page);
  await bootByHand(page, url, "Watched by a hundred");
  const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";
  const viewers = await Promise.all(Array.from({ length: VIEWERS }, () => watch(url, id)));
  await openShell(page);
  await measureEcho(page, 20);
  const echo = await measureEcho(page, KEYS);
  await end(page);
  const last = Number(await page.locator("[data-seq]").first().getAttribute("data-seq"));
  const until = performance.now() + 20_000;
  // Bytes of terminals travel as frames of their own.
  const archive = experimentArchive.parse(await (await fetch(`${url}/x/${id}/download`)).json());
  const expected = archive.events.filter((e) => e.type !== "terminal.output").map((e) => e.seq);
  while (viewers.some((v) => (v.seqs.at(-1) ?? 0) < last) && performance.now() < until) await page.waitForTimeout(100);
  const whole = viewers.filter(
    (v) => v.seqs.length === expected.length && v.seqs.every((seq, i) => seq === expected[i]),
  ).length;
  for (const viewer of viewers) viewer.close();
  figures.add(`${VIEWERS} viewers, ${GUESTS} guests`, "echoNs", echo.map(ns));
  const p99 = quantile(echo, 0.99);
  figures.target(
    `${VIEWERS} viewers, ${GUESTS} guests`,
    "every log whole, echo p99 at most 150 ms",
    `${whole} of ${VIEWERS} logs whole (${expected.length} events), echo p99 ${formatMs(p99)}`,
    whole === VIEWERS && p99 <= 150,
  );
  for (const other of others.pages()) await end(other);
  await others.close();
  await page.context().close();
}
