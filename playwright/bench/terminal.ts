/** Card to shell, keystroke echo beside wetty, and a flood, all in one real browser. */
import { type ChildProcess, spawn } from "node:child_process";
import { formatBytes, formatMs } from "@crlab/shared";
import type { Browser, Page } from "@playwright/test";
import { z } from "zod";
import { freePort } from "../lab.js";
import { fetched } from "./fetched.js";
import { type Figures, median, ns, quantile } from "./figures.js";

const KEYS = 300;

/** Notes when a key goes down and when the next bytes for a terminal come back, whoever made the page. */
export async function watchEcho(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const echo: number[] = [];
    let pressed = 0;
    Object.assign(window, { echo });
    window.addEventListener("keydown", () => (pressed = performance.now()), true);
    const Native = window.WebSocket;
    window.WebSocket = class extends Native {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("message", ({ data }) => {
          // Ours: binary frames are terminal bytes. wetty's: socket.io's text frames of event "data".
          const isOutput = typeof data === "string" ? data.startsWith('42["data"') : data instanceof ArrayBuffer;
          if (!isOutput || pressed === 0) return;
          echo.push(performance.now() - pressed);
          pressed = 0;
        });
      }
    };
  });
}

/** Presses keys at a shell's prompt, one after the other's echo, and answers how long each took, in ms. */
export async function measureEcho(page: Page, keys: number): Promise<number[]> {
  const before = await echoes(page);
  for (let i = 0; i < keys; i++) {
    await page.keyboard.press("a");
    await page.waitForFunction((n) => Reflect.get(window, "echo").length >= n, before.length + i + 1, {
      polling: 5,
      timeout: 20_000,
    });
  }
  return (await echoes(page)).slice(before.length);
}

const echoes = (page: Page): Promise<number[]> => page.evaluate(() => Reflect.get(window, "echo"));

export async function openShell(page: Page): Promise<void> {
  await page.locator('[data-action="shell"]:not([aria-disabled="true"])').click({ timeout: 120_000 });
  // Whoever has chosen a tab keeps it: a workload that starts meanwhile no longer brings its own to the front.
  // By attributes: to compute the roles of all elements takes a page longer than to open the shell.
  await page.locator('[role="tab"][aria-selected="true"]', { hasText: /^shell$/ }).waitFor({ timeout: 60_000 });
  await page.locator(".xterm-rows", { hasText: "#" }).first().waitFor({ timeout: 60_000 });
  // It takes what is typed.
  await page.locator(".xterm-helper-textarea:focus").waitFor({ timeout: 60_000, state: "attached" });
}

export async function bootByHand(page: Page, url: string, title: string): Promise<void> {
  await page.goto(`${url}/new`);
  await page.getByLabel("Title").fill(title);
  await page.getByRole("button", { name: "Boot guest" }).click();
  await page.locator('[data-testid="step-1"][data-state="ok"]').waitFor({ timeout: 240_000 });
}

export async function end(page: Page): Promise<void> {
  await page.locator('[data-action="end"]').click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await page.getByTestId("replay").waitFor({ timeout: 120_000 });
}

/** Runs a card to its last step and ends it: what others look at. Answers its path. */
export async function runCard(browser: Browser, url: string): Promise<string> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.getByRole("button", { name: CARD }).click();
  await page.locator('[data-testid="step-14"][data-state="ok"]').waitFor({ timeout: 240_000 });
  await end(page);
  const { pathname } = new URL(page.url());
  await page.context().close();
  return pathname;
}

const CARD = "Run: Only what changed";
/** Whoever has looked at a page for so long has seen what it is. */
const LOOKED_MS = 1000;

/**
 * Notes how long it is from a click on a card to a prompt that takes input, by one who asks for a shell as soon as there is
 * one to be had. The page itself looks: to be asked from outside takes as long as what is measured.
 */
async function watchShell(page: Page): Promise<void> {
  await page.addInitScript(() => {
    let began = 0;
    let asked = false;
    window.addEventListener(
      "click",
      ({ target, timeStamp }) => {
        if (target instanceof Element && target.closest('[aria-label^="Run: "]')) began ||= timeStamp;
      },
      true,
    );
    new MutationObserver((_, observer) => {
      if (began === 0) return;
      const action = document.querySelector<HTMLElement>('[data-action="shell"]:not([aria-disabled="true"])');
      if (!asked && action) {
        asked = true;
        action.click();
      }
      const terminals = document.querySelector("#terminals");
      if (terminals?.querySelector('[role="tab"][aria-selected="true"]')?.textContent !== "shell") return;
      if (!terminals.querySelector(".xterm-rows")?.textContent?.includes("#")) return;
      if (!terminals.querySelector(".xterm-helper-textarea:focus")) return;
      observer.disconnect();
      Object.assign(window, { shellMs: performance.now() - began });
    }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  });
}

/** Waits until a guest stands by for the next one who comes. */
async function standsBy(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/guests`);
  await page.getByTestId("spares").waitFor({ timeout: 120_000 });
}

/**
 * `warm`: a browser that has been here before, on a page that has been looked at, with a guest that stands by. The other way
 * round: the first visit of a browser, and a click as soon as the page takes one, whatever stands by.
 */
export async function cardToShell(browser: Browser, url: string, figures: Figures, rounds: number): Promise<void> {
  const once = async (page: Page, looked: boolean): Promise<number> => {
    await page.goto(url, { waitUntil: "load" });
    const card = page.getByRole("button", { name: CARD });
    await card.and(page.locator(":enabled")).waitFor();
    if (looked) {
      await page.getByRole("heading", { name: CARD.replace("Run: ", "") }).hover();
      await page.waitForTimeout(LOOKED_MS);
    }
    await card.click();
    await page.waitForFunction(() => Reflect.has(window, "shellMs"), undefined, { timeout: 240_000 });
    const took = z.number().parse(await page.evaluate(() => Reflect.get(window, "shellMs")));
    await end(page);
    return took;
  };
  const fresh = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    await watchShell(page);
    return page;
  };
  const known = await fresh();
  const warm: number[] = [];
  // The first one saves the state that guests wake from, and fills the browser's cache.
  for (let round = -1; round < rounds; round++) {
    if (round >= 0) await standsBy(known, url);
    const took = await once(known, true);
    if (round >= 0) warm.push(took);
  }
  await known.context().close();
  const first: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const page = await fresh();
    first.push(await once(page, false));
    await page.context().close();
  }
  figures.add("card to shell, warm", "shellNs", warm.map(ns));
  figures.add("card to shell, first visit", "shellNs", first.map(ns));
  const got = median(warm);
  figures.target(
    "click on a card to a usable shell, warm",
    "median at most 1.0 s",
    `${formatMs(got)}; at a first visit, at once: ${formatMs(median(first))}`,
    got <= 1000,
  );
}

/** Echo at a shell in a guest, and at one of this machine through wetty. */
export async function echoBesideWetty(browser: Browser, url: string, figures: Figures): Promise<void> {
  const page = await (await browser.newContext()).newPage();
  await watchEcho(page);
  await bootByHand(page, url, "Echo");
  await openShell(page);
  await measureEcho(page, 20);
  const ours = await measureEcho(page, KEYS);
  figures.add("keystroke echo", "echoNs", ours.map(ns));
  const show = (samples: readonly number[]) =>
    `p50 ${formatMs(quantile(samples, 0.5))}, p99 ${formatMs(quantile(samples, 0.99))}`;
  let rival: string;
  try {
    const theirs = await wettyEcho(browser);
    figures.add("keystroke echo", "echoNs", theirs.map(ns), "wetty");
    rival = `wetty, of this machine's own shell: ${show(theirs)}`;
  } catch (error) {
    rival = `wetty: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
    figures.refuse("keystroke echo", "echoNs", "wetty", rival);
  }
  const met = quantile(ours, 0.5) <= 15 && quantile(ours, 0.99) <= 60;
  figures.target("keystroke echo, idle", "p50 at most 15 ms, p99 at most 60 ms", `${show(ours)}; ${rival}`, met);
  await end(page);
  await page.context().close();
}

async function wettyEcho(browser: Browser): Promise<number[]> {
  const script = await fetched("wetty", "3", "build/main.js");
  const port = await freePort();
  const options = ["--host", "127.0.0.1", "--port", String(port), "--base", "/", "--command", "bash --norc"];
  const wetty = spawn(process.execPath, [script, ...options], { stdio: "ignore" });
  try {
    const page = await (await browser.newContext()).newPage();
    await watchEcho(page);
    await reach(page, `http://127.0.0.1:${port}/`, wetty);
    await page.locator(".xterm-helper-textarea").waitFor({ state: "attached", timeout: 30_000 });
    // It begins by long polling and goes over to a WebSocket a moment later.
    await page.waitForTimeout(3000);
    await page.locator(".xterm-helper-textarea").focus();
    await measureEcho(page, 20);
    const samples = await measureEcho(page, KEYS);
    await page.context().close();
    return samples;
  } finally {
    wetty.kill();
  }
}

async function reach(page: Page, url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await page.goto(url);
      return;
    } catch (error) {
      if (server.exitCode !== null || tries > 60) throw error;
      await page.waitForTimeout(500);
    }
  }
}

/** `yes` in a shell: does the page live, does its memory stay, and does Ctrl-C work? */
export async function flood(browser: Browser, url: string, figures: Figures, seconds: number): Promise<void> {
  const page = await (await browser.newContext()).newPage();
  await bootByHand(page, url, "Flood");
  await openShell(page);
  const heap = async () => {
    const session = await page.context().newCDPSession(page);
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    await session.detach();
    return usedSize;
  };
  await page.keyboard.type("yes\n");
  await page.waitForTimeout(3000);
  const before = await heap();
  const gaps = await page.evaluate(async (forMs) => {
    const found: number[] = [];
    let last = performance.now();
    const until = last + forMs;
    while (last < until) {
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      found.push(now - last);
      last = now;
    }
    return found;
  }, seconds * 1000);
  const grown = (await heap()) - before;
  const pressed = performance.now();
  await page.keyboard.press("Control+c");
  await page.locator(".xterm-rows", { hasText: "^C" }).first().waitFor({ timeout: 30_000 });
  await page.keyboard.type("echo still-$((40+2))\n");
  await page.locator(".xterm-rows", { hasText: "still-42" }).first().waitFor({ timeout: 30_000 });
  const stopped = performance.now() - pressed;
  figures.add(`yes for ${seconds} s`, "frameNs", gaps.map(ns));
  figures.add(`yes for ${seconds} s`, "grownBytes", [Math.max(0, grown)]);
  figures.add(`yes for ${seconds} s`, "ctrlCNs", [ns(stopped)]);
  const frame = quantile(gaps, 0.99);
  figures.target(
    `flood of ${seconds} s`,
    "p99 of frames at most 100 ms, heap grows by at most 64 MiB, a prompt within 1 s of Ctrl-C",
    `p99 ${formatMs(frame)}, heap ${grown < 0 ? "-" : "+"}${formatBytes(Math.abs(grown))}, prompt after ${formatMs(stopped)}`,
    frame <= 100 && grown <= 64 * 1024 * 1024 && stopped <= 1000,
  );
  await end(page);
  await page.context().close();
}
