/**
 * Pictures of every page with something on it, from real runs, at 1280 px and on a phone, dark and light:
 * `npm run screenshots`. They come to playwright/screenshots; `-- --docs` also renews those in docs/, and
 * `-- --only NAME,NAME` takes some.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "@playwright/test";
import sharp from "sharp";
import { setUp } from "../apps/runner/src/build/setup.js";
import { lendFigures, startLab } from "./lab.js";

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

/** How far into an experiment its replay is shown: its process has been restored, and runs. */
const REPLAYED = 0.9;

const failing = `title: A command that fails
steps:
  - kind: boot
  - { kind: run, command: [cat, /none] }
`;

const migrating = `title: Moved while it writes
memMiB: 256
steps:
  - kind: boot
  - { kind: start, name: writer, workload: memwriter, args: ["--size", "32", "--rate", "1000"] }
  - { kind: wait, output: pages filled }
  - { kind: migrate, mibPerS: 16, latencyMs: 1, goalMs: 50 }
  - { kind: verify }
`;

/** Of a userfaultfd (323) somebody else must speak for it. */
const refused = `title: What cannot be checkpointed
steps:
  - kind: boot
  - kind: start
    name: faults
    command: [python3, -uc, "import ctypes, time; print('fd', ctypes.CDLL(None).syscall(323, 0)); time.sleep(1e6)"]
  - { kind: wait, output: "^fd 3" }
  - { kind: checkpoint, dryRun: true }
  - { kind: checkpoint, name: full }
`;

const wrong = `title: Not quite right
memMiB: 12
steps:
  - kind: boot
  - { kind: start, workload: countre }
  - { kind: migrate, bandwidth: 3 }
  - { kind: checkpoint, mode: increm }
`;

/** What there is to be looked at, made by runs when it is first wanted. */
interface Subjects {
  /** Pages of their driver, their guests up. */
  live: () => Promise<Page>;
  sheet: () => Promise<Page>;
  stopped: () => Promise<Page>;
  /** Waits: all guests are in use. */
  queued: () => Promise<Page>;
  /** Paths. */
  ended: () => Promise<string>;
  chain: () => Promise<string>;
  alike: () => Promise<string>;
  failed: () => Promise<string>;
  migrated: () => Promise<string>;
  refused: () => Promise<string>;
  sweep: () => Promise<string>;
}

interface Shot {
  name: string;
  /** Goes there, and waits for what is to be seen. */
  open: (page: Page, subjects: Subjects, lab: string) => Promise<void>;
  /** Taken on the page of whoever drives. */
  driven?: "live" | "sheet" | "stopped" | "queued";
}

const visit =
  (path: (subjects: Subjects) => string | Promise<string>, ready: string): Shot["open"] =>
  async (page, subjects, lab) => {
    await page.goto(`${lab}${await path(subjects)}`, { waitUntil: "load" });
    await page.locator(ready).first().waitFor();
    await page
      .getByText(/^runner · |^connected$|There is no such/)
      .first()
      .waitFor();
  };

/** There must be something to list. */
const after =
  (subject: keyof Subjects, open: Shot["open"]): Shot["open"] =>
  async (page, subjects, lab) => {
    await subjects[subject]();
    await open(page, subjects, lab);
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
    await page.goto(`${lab}${await subjects.chain()}?show=${name}`, { waitUntil: "load" });
    await page.locator(`#inspector ${ready}`).first().waitFor();
  };

/** A shipped experiment as one meets it: its sheet, two steps done. */
async function beginSheet(page: Page, lab: string): Promise<Page> {
  await page.goto(lab);
  await page.getByRole("button", { name: "Step by step: Unlinked file", exact: true }).click();
  for (const step of [1, 2]) {
    await page.getByRole("button", { name: "Run this step" }).click();
    await reached(page, step, "ok");
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

/** Guests that stay up come late: who leaves one alone loses it. */
const shots: readonly Shot[] = [
  { name: "report", open: visit((s) => s.ended(), '[data-testid="last-screen"]') },
  { name: "failed", open: visit((s) => s.failed(), '[data-testid="last-screen"]') },
  { name: "migrated", open: visit((s) => s.migrated(), '[data-testid="last-screen"]') },
  { name: "refused", open: visit(async (s) => `${await s.refused()}?show=checkpoints`, "#inspector h3") },
  {
    name: "replay",
    open: async (page, subjects, lab) => {
      await page.goto(`${lab}${await subjects.ended()}?show=processes`, { waitUntil: "load" });
      const moment = page.getByRole("slider", { name: "Moment of the experiment" });
      await moment.fill(String(Math.round(Number(await moment.getAttribute("max")) * REPLAYED)));
      await page.locator(".xterm-rows").first().waitFor();
      await page.locator("#inspector table").first().waitFor();
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
  {
    name: "compare",
    open: visit(async (s) => {
      const paths = [await s.chain(), await s.alike(), await s.ended()];
      return `/compare?${paths.map((path) => `x=${path.split("/").at(-1)}`).join("&")}`;
    }, ".u-wrap"),
  },
  { name: "sweep", open: visit((s) => s.sweep(), '[data-testid="points"] tbody tr') },
  { name: "sheet", driven: "sheet", open: (page) => page.locator(".xterm-rows").first().waitFor() },
  { name: "live", driven: "live", open: live("Processes", "table") },
  { name: "stopped", driven: "stopped", open: (page) => page.getByTestId("plan-stopped").waitFor() },
  { name: "queued", driven: "queued", open: (page) => page.getByTestId("queue").waitFor() },
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
  {
    name: "guests",
    open: after(
      "live",
      visit(() => "/guests", '[data-testid="guests"] tbody tr'),
    ),
  },
  {
    name: "home",
    open: after(
      "ended",
      visit(() => "/", "tbody tr"),
    ),
  },
  { name: "new", open: visit(() => "/new", ".cm-content") },
  {
    name: "wrong",
    open: async (page, _, lab) => {
      await runFile(page, lab, wrong);
      await page.getByRole("alert").first().waitFor();
      await page.locator(".cm-lintRange").first().waitFor();
    },
  },
  {
    name: "sweeps",
    open: after(
      "sweep",
      visit(() => "/sweeps", "tbody tr"),
    ),
  },
  { name: "figures", open: visit(() => "/figures", "main h1") },
  { name: "compare-empty", open: visit(() => "/compare", "main h1") },
  { name: "not-found", open: visit(() => "/x/nothinghere1", "main h1") },
];

async function driver(browser: Browser): Promise<Page> {
  return (await browser.newContext({ viewport: sizes.wide, colorScheme: "dark" })).newPage();
}

/** Runs a card to its last step; its experiment stays open. */
async function runCard(page: Page, lab: string, title: string, lastStep: number): Promise<Page> {
  await page.goto(lab);
  await page.getByRole("button", { name: `Run: ${title}`, exact: true }).click();
  await page.waitForURL(/\/x\//);
  await reached(page, lastStep, "ok");
  return page;
}

async function runFile(page: Page, lab: string, yaml: string): Promise<void> {
  await page.goto(`${lab}/new`);
  // A draft that comes between what fill() selects and what it types would stand before that.
  await page.locator(".cm-content").waitFor();
  await page.getByLabel("Experiment file").fill(yaml);
  await page.getByRole("button", { name: "Run file" }).click();
}

async function end(page: Page): Promise<string> {
  await page.locator('[data-action="end"]').click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await page.getByTestId("replay").waitFor({ timeout: 120_000 });
  return new URL(page.url()).pathname;
}

const reached = (page: Page, step: number, state: "ok" | "failed") =>
  page.locator(`[data-testid="step-${step}"][data-state="${state}"]`).waitFor({ timeout: 300_000 });

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function subjectsOf(browser: Browser, lab: string): Subjects {
  const page = once(() => driver(browser));
  const ran = (title: string, lastStep: number) =>
    once(async () => end(await runCard(await page(), lab, title, lastStep)));
  const of = (yaml: string, lastStep: number, state: "ok" | "failed") =>
    once(async () => {
      await runFile(await page(), lab, yaml);
      await reached(await page(), lastStep, state);
      return end(await page());
    });
  const subjects: Subjects = {
    live: once(async () => runCard(await driver(browser), lab, "Unlinked file", 15)),
    sheet: once(async () => beginSheet(await driver(browser), lab)),
    ended: ran("Unlinked file", 15),
    chain: ran("Only what changed", 14),
    alike: ran("Only what changed", 14),
    stopped: once(async () => {
      const own = await driver(browser);
      await runFile(own, lab, failing);
      await reached(own, 2, "failed");
      return own;
    }),
    queued: once(async () => {
      await Promise.all([subjects.live(), subjects.sheet(), subjects.stopped()]);
      const own = await driver(browser);
      await runFile(own, lab, failing);
      await own.getByTestId("queue").waitFor({ timeout: 60_000 });
      return own;
    }),
    failed: of(failing, 2, "failed"),
    migrated: of(migrating, 5, "ok"),
    refused: of(refused, 5, "failed"),
    sweep: once(async () => {
      await runFile(await page(), lab, swept);
      await (await page()).waitForURL(/\/s\//);
      const status = (await page()).getByTestId("sweep-status").filter({ hasText: "done" });
      await status.waitFor({ timeout: 900_000 });
      return new URL((await page()).url()).pathname;
    }),
  };
  return subjects;
}

/** What of them was taken: an older run's pictures show an older console. */
const taken = new Set<string>();

async function take(page: Page, name: string, size: keyof typeof sizes, colorScheme: string): Promise<void> {
  // A dialog, or a bench, fills what one sees; other pages are as long as they are.
  const modal = (await page.getByRole("dialog").count()) > 0;
  const picture = `${name}-${size}-${colorScheme}`;
  // A page lays out what is far below when one comes near; a picture of all of it comes near nothing.
  await page.evaluate(() => {
    for (const zone of document.querySelectorAll<HTMLElement>("main > section"))
      zone.style.contentVisibility = "visible";
  });
  await page.screenshot({ path: join(folder, `${picture}.png`), fullPage: !modal, animations: "disabled" });
  taken.add(picture);
  if (modal) await page.keyboard.press("Escape");
}

async function takeAll(browser: Browser, lab: string, only: readonly string[]): Promise<void> {
  const subjects = subjectsOf(browser, lab);
  const wanted = shots.filter((shot) => only.length === 0 || only.includes(shot.name));
  for (const size of ["wide", "phone"] as const) {
    for (const colorScheme of ["dark", "light"] as const) {
      const context = await browser.newContext({ viewport: sizes[size], colorScheme });
      const reader = await context.newPage();
      for (const { name, open, driven } of wanted) {
        try {
          const page = driven ? await subjects[driven]() : reader;
          await page.setViewportSize(sizes[size]);
          await page.emulateMedia({ colorScheme });
          await open(page, subjects, lab);
          await take(page, name, size, colorScheme);
        } catch (error) {
          // The others are worth having.
          const said = (error instanceof Error ? error.message : String(error)).split("\n");
          const why = [said[0], said.find((line) => line.includes("waiting for"))?.trim()].join(" ");
          process.stderr.write(`✗ ${name}, ${size}, ${colorScheme}: ${why}\n`);
          process.exitCode = 1;
        }
      }
      await context.close();
    }
  }
}

const option = process.argv.indexOf("--only");
const only = option < 0 ? [] : (process.argv[option + 1] ?? "").split(",");
mkdirSync(folder, { recursive: true });
await setUp({ kernels: ["cr"], console: true });
// Room for those that stay up, and no more: who comes after them waits.
const lab = await startLab({ env: { CRLAB_MAX_GUESTS: "3", CRLAB_MAX_GUESTS_PER_BROWSER: "3" } });
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  lendFigures(lab.data);
  await takeAll(browser, lab.url, only);
  if (process.argv.includes("--docs"))
    for (const [name, as] of Object.entries(inDocs).filter(([name]) => taken.has(name)))
      await sharp(join(folder, `${name}.png`))
        .png({ palette: true, colours: 128, compressionLevel: 9, effort: 10 })
        .toFile(join(here, `../docs/${as}.png`));
} finally {
  await browser.close();
  await lab.stop();
}
