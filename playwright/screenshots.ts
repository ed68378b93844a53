/**
 * Pictures of every page with something on it, from real runs, at 1280 px and on a phone, dark and light:
 * `npm run screenshots`. They come to playwright/screenshots; `-- --docs` also renews those in docs/.
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "@playwright/test";
import { reportNames } from "../apps/runner/src/bench/reports.js";
import { dataDir } from "../apps/runner/src/build/paths.js";
import { startLab, type TestLab } from "./lab.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = join(here, "screenshots");
const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;
/** Which of them stand in the documents, and under which name. */
const inDocs = {
  "live-wide-dark": "screenshot",
  "memory-wide-light": "heat-map",
  "report-phone-dark": "phone",
} as const;

/** Runs a card to its last step; answers the page, its experiment still open. */
async function runCard(browser: Browser, lab: TestLab, title: string, lastStep: number): Promise<Page> {
  const page = await (await browser.newContext({ viewport: sizes.wide, colorScheme: "dark" })).newPage();
  await page.goto(lab.url);
  await page.getByRole("button", { name: `Run: ${title}`, exact: true }).click();
  await page.waitForURL(/\/x\//);
  await page.locator(`[data-testid="step-${lastStep}"][data-state="ok"]`).waitFor({ timeout: 180_000 });
  return page;
}

async function end(page: Page): Promise<string> {
  await page.locator('[data-action="end"]').click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await page.getByTestId("replay").waitFor({ timeout: 120_000 });
  return new URL(page.url()).pathname;
}

/** The latest figures of this machine's benches are shown, if there are any. */
function lendFigures(lab: TestLab): void {
  const [latest] = reportNames();
  if (latest === undefined) return;
  mkdirSync(join(lab.data, "bench"), { recursive: true });
  copyFileSync(dataDir("bench", `${latest}.json`), join(lab.data, "bench", `${latest}.json`));
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const lab = await startLab();
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  try {
    lendFigures(lab);
    const holder = await runCard(browser, lab, "Unlinked file", 15);
    await holder.screenshot({ path: join(folder, "live-wide-dark.png") });
    for (const [size, viewport] of Object.entries(sizes)) {
      await holder.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"] as const) {
        await holder.emulateMedia({ colorScheme });
        await holder.locator('[data-action="migrate"]').click();
        await holder.getByRole("dialog").waitFor();
        await holder.screenshot({ path: join(folder, `migrate-${size}-${colorScheme}.png`) });
        await holder.keyboard.press("Escape");
      }
    }
    await holder.setViewportSize(sizes.wide);
    const unlinked = await end(holder);
    const changed = await end(await runCard(browser, lab, "Only what changed", 14));
    const again = await end(await runCard(browser, lab, "Only what changed", 14));
    const live = await runCard(browser, lab, "A watch survives rename, replace and unlink", 16);
    const [a, b] = [changed, again].map((path) => path.split("/").at(-1));

    for (const [size, viewport] of Object.entries(sizes)) {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await (await browser.newContext({ viewport, colorScheme })).newPage();
        const take = (name: string) =>
          page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: size === "phone" });
        const open = async (name: string, path: string, ready: string) => {
          await page.goto(`${lab.url}${path}`, { waitUntil: "load" });
          await page.locator(ready).first().waitFor();
          await take(name);
        };
        await open("home", "/", "tbody tr");
        await open("new", "/new", ".cm-content");
        await open("sweeps", "/sweeps", "form");
        await open("guests", "/guests", '[data-testid="guests"] tbody tr');
        await open("figures", "/figures", "h1");
        await open("compare", `/compare?x=${a}&x=${b}`, ".u-wrap");
        await open("report", unlinked, ".xterm-rows");
        await page.goto(`${lab.url}${changed}`, { waitUntil: "load" });
        await page.locator(".xterm-rows").first().waitFor();
        for (const [tab, ready] of [
          ["Memory", '[data-testid="heat-canvas"]'],
          ["Checkpoints", "table"],
          ["Charts", ".u-wrap"],
        ] as const) {
          await page.getByRole("tab", { name: tab }).click();
          await page.locator(`#inspector ${ready}`).first().waitFor();
          await take(tab.toLowerCase());
        }
        await page.context().close();
      }
    }
    await end(live);
    if (process.argv.includes("--docs"))
      for (const [name, as] of Object.entries(inDocs))
        if (existsSync(join(folder, `${name}.png`)))
          copyFileSync(join(folder, `${name}.png`), join(here, `../docs/${as}.png`));
  } finally {
    await browser.close();
    await lab.stop();
  }
}

await main();
