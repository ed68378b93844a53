/**
 * Pictures of every page with something on it, from real runs, at 1280 px and on a phone, dark and light:
 * `npm run screenshots`. They come to playwright/screenshots; `-- --docs` also renews those in docs/, and
 * `-- --only NAME,NAME` takes some.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "@playwright/test";
import sharp from "sharp";
import { reportNames } from "../apps/runner/src/bench/reports.js";
import { dataDir } from "../apps/runner/src/build/paths.js";
import { setUp } from "../apps/runner/src/build/setup.js";
import { startLab } from "./lab.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = join(here, "screenshots");
const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;
/** Which of them stand in the documents, and under which name. */
const inDocs = {
  "live-wide-dark": "screenshot",
  "sheet-wide-light": "lab-sheet",
  "memory-wide-light": "heat-map",
  "report-phone-dark": "phone",
} as const;

const swept = `title: What does tracking cost?
question: At which rate of writing does one tracker overtake another?
memMiB: 384
steps:
  - kind: boot
  - { kind: start, name: writer, workload: memwriter, args: ["--size", "16", "--rate", "100"] }
  - { kind: wait, output: pages filled }
  - { kind: checkpoint, name: full }
  - { kind: wait, output: pages rewritten }
  - { kind: checkpoint, name: increment, mode: incremental }
  - { kind: verify }
sweep:
  repeats: 2
  over:
    tracker: [scan, wp, hash]
    --rate: [100, 1600]
`;

/** What there is to be looked at, made by runs on a page that drives them. */
interface Subjects {
  /** Pages of their driver, their guests up. */
  live: Page;
  sheet: Page;
  ended: string;
  chain: string;
  alike: string;
  failed: string;
  sweep: string;
}

interface Shot {
  name: string;
  /** Goes there, and waits for what is to be seen. */
  open: (page: Page, subjects: Subjects, lab: string) => Promise<void>;
  /** Taken on the page of whoever drives. */
  driven?: "live" | "sheet";
}

const visit =
  (path: (subjects: Subjects) => string, ready: string): Shot["open"] =>
  async (page, subjects, lab) => {
    await page.goto(`${lab}${path(subjects)}`, { waitUntil: "load" });
    await page.locator(ready).first().waitFor();
    await page
      .getByText(/^runner · |^connected$|There is no such/)
      .first()
      .waitFor();
  };

const dialog =
  (action: string, choose?: string): Shot["open"] =>
  async (page) => {
    await page.locator(`[data-action="${action}"]`).click();
    await page.getByRole("dialog").waitFor();
    if (choose !== undefined) await page.getByRole("dialog").locator("select").first().selectOption({ label: choose });
  };

const tab =
  (name: string, ready: string): Shot["open"] =>
  async (page, subjects, lab) => {
    await page.goto(`${lab}${subjects.chain}?show=${name}`, { waitUntil: "load" });
    await page.locator(`#inspector ${ready}`).first().waitFor();
  };

/** A shipped experiment as one meets it: its sheet, two steps done. */
async function beginSheet(page: Page, lab: string): Promise<Page> {
  await page.goto(lab);
  await page.getByRole("button", { name: "Step by step: Unlinked file", exact: true }).click();
  for (const step of [1, 2]) {
    await page.getByRole("button", { name: "Run this step" }).click();
    await page.locator(`[data-testid="step-${step}"][data-state="ok"]`).waitFor({ timeout: 120_000 });
  }
  return page;
}

const live =
  (name: string, ready: string): Shot["open"] =>
  async (page) => {
    await page.getByRole("tab", { name }).click();
    await page.locator(`#inspector ${ready}`).first().waitFor();
    await page.locator(".xterm-rows").first().waitFor();
  };

const shots: readonly Shot[] = [
  { name: "sheet", driven: "sheet", open: (page) => page.locator(".xterm-rows").first().waitFor() },
  { name: "live", driven: "live", open: live("Processes", "table") },
  { name: "live-kernel", driven: "live", open: live("Kernel log", "pre") },
  { name: "start", driven: "live", open: dialog("start") },
  { name: "own-program", driven: "live", open: dialog("start", "Your program …") },
  { name: "checkpoint", driven: "live", open: dialog("checkpointFull") },
  { name: "migrate", driven: "live", open: dialog("migrate") },
  {
    name: "keys",
    driven: "live",
    open: async (page) => {
      await page.getByRole("button", { name: "shortcuts" }).click();
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "home", open: visit(() => "/", "tbody tr") },
  { name: "new", open: visit(() => "/new", ".cm-content") },
  { name: "sweeps", open: visit(() => "/sweeps", "tbody tr") },
  { name: "sweep", open: visit((s) => s.sweep, '[data-testid="points"] tbody tr') },
  { name: "guests", open: visit(() => "/guests", '[data-testid="guests"] tbody tr') },
  { name: "figures", open: visit(() => "/figures", "main h1") },
  { name: "compare-empty", open: visit(() => "/compare", "main h1") },
  {
    name: "compare",
    open: visit((s) => `/compare?x=${s.chain.split("/").at(-1)}&x=${s.alike.split("/").at(-1)}`, ".u-wrap"),
  },
  { name: "not-found", open: visit(() => "/x/nothinghere1", "main h1") },
  { name: "report", open: visit((s) => s.ended, '[data-testid="last-screen"]') },
  { name: "failed", open: visit((s) => s.failed, '[data-testid="last-screen"]') },
  {
    name: "replay",
    open: async (page, subjects, lab) => {
      await page.goto(`${lab}${subjects.ended}?t=9&show=processes`, { waitUntil: "load" });
      await page.locator(".xterm-rows").first().waitFor();
    },
  },
  { name: "memory", open: tab("memory", '[data-testid="heat-canvas"]') },
  { name: "checkpoints", open: tab("checkpoints", '[data-testid="image"] tbody tr') },
  {
    name: "difference",
    open: async (page, subjects, lab) => {
      await tab("checkpoints", '[data-testid="image"] tbody tr')(page, subjects, lab);
      await page.getByLabel("Compare with").selectOption("full");
      await page.getByTestId("difference").waitFor();
    },
  },
  { name: "charts", open: tab("charts", ".u-wrap") },
];

async function driver(browser: Browser): Promise<Page> {
  return (await browser.newContext({ viewport: sizes.wide, colorScheme: "dark" })).newPage();
}

/** Runs a card to its last step; its experiment stays open. */
async function runCard(page: Page, lab: string, title: string, lastStep: number): Promise<Page> {
  await page.goto(lab);
  await page.getByRole("button", { name: `Run: ${title}`, exact: true }).click();
  await page.waitForURL(/\/x\//);
  await page.locator(`[data-testid="step-${lastStep}"][data-state="ok"]`).waitFor({ timeout: 300_000 });
  return page;
}

async function runFile(page: Page, lab: string, yaml: string): Promise<void> {
  await page.goto(`${lab}/new`);
  await page.getByLabel("Experiment file").fill(yaml);
  await page.getByRole("button", { name: "Run file" }).click();
}

async function end(page: Page): Promise<string> {
  await page.locator('[data-action="end"]').click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await page.getByTestId("replay").waitFor({ timeout: 120_000 });
  return new URL(page.url()).pathname;
}

async function makeSubjects(browser: Browser, lab: string): Promise<Subjects> {
  const page = await driver(browser);
  const ended = await end(await runCard(page, lab, "Unlinked file", 15));
  const chain = await end(await runCard(page, lab, "Only what changed", 14));
  const alike = await end(await runCard(page, lab, "Only what changed", 14));
  await runFile(
    page,
    lab,
    "title: A command that fails\nsteps:\n  - kind: boot\n  - { kind: run, command: [cat, /none] }\n",
  );
  await page.locator('[data-testid="step-2"][data-state="failed"]').waitFor({ timeout: 120_000 });
  const failed = await end(page);
  await runFile(page, lab, swept);
  await page.waitForURL(/\/s\//);
  await page.getByTestId("sweep-status").filter({ hasText: "done" }).waitFor({ timeout: 600_000 });
  const sweep = new URL(page.url()).pathname;
  const sheet = await beginSheet(await driver(browser), lab);
  return { live: await runCard(page, lab, "Unlinked file", 15), sheet, ended, chain, alike, failed, sweep };
}

async function take(page: Page, name: string, size: keyof typeof sizes, colorScheme: string): Promise<void> {
  // A dialog, or a bench, fills what one sees; other pages are as long as they are.
  const modal = (await page.getByRole("dialog").count()) > 0;
  const path = join(folder, `${name}-${size}-${colorScheme}.png`);
  await page.screenshot({ path, fullPage: !modal, animations: "disabled" });
  if (modal) await page.keyboard.press("Escape");
}

/** The latest figures of this machine's benches are shown, if there are any. */
function lendFigures(data: string): void {
  const [latest] = reportNames();
  if (latest === undefined) return;
  mkdirSync(join(data, "bench"), { recursive: true });
  copyFileSync(dataDir("bench", `${latest}.json`), join(data, "bench", `${latest}.json`));
}

async function takeAll(browser: Browser, lab: string, only: readonly string[]): Promise<void> {
  const subjects = await makeSubjects(browser, lab);
  const wanted = shots.filter((shot) => only.length === 0 || only.includes(shot.name));
  for (const size of ["wide", "phone"] as const) {
    for (const colorScheme of ["dark", "light"] as const) {
      const context = await browser.newContext({ viewport: sizes[size], colorScheme });
      const reader = await context.newPage();
      for (const page of [subjects.live, subjects.sheet]) {
        await page.setViewportSize(sizes[size]);
        await page.emulateMedia({ colorScheme });
      }
      for (const { name, open, driven } of wanted) {
        const page = driven ? subjects[driven] : reader;
        await open(page, subjects, lab);
        await take(page, name, size, colorScheme);
      }
      await context.close();
    }
  }
  await end(subjects.live);
  await end(subjects.sheet);
}

const option = process.argv.indexOf("--only");
const only = option < 0 ? [] : (process.argv[option + 1] ?? "").split(",");
mkdirSync(folder, { recursive: true });
await setUp({ kernels: ["cr"], console: true });
const lab = await startLab();
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  lendFigures(lab.data);
  await takeAll(browser, lab.url, only);
  if (process.argv.includes("--docs"))
    for (const [name, as] of Object.entries(inDocs))
      await sharp(join(folder, `${name}.png`))
        .png({ palette: true, colours: 128, compressionLevel: 9, effort: 10 })
        .toFile(join(here, `../docs/${as}.png`));
} finally {
  await browser.close();
  await lab.stop();
}
