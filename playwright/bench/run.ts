/** `npm run bench -- --only console`: the console in a real browser, against a lab of its own. */
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { type BenchReport, benchReport, experimentArchive, foldAll } from "@crlab/shared";
import { type Browser, chromium } from "@playwright/test";
import { startLab } from "../lab.js";
import { audits, describeScores, imported, wantedScores } from "./audits.js";
import { crowd } from "./crowd.js";
import { Figures } from "./figures.js";
import { firstLoads, heatMap, tenThousand } from "./pages.js";
import { type ConsolePart, consoleParts } from "./parts.js";
import { cardToShell, echoBesideWetty, flood, runCard } from "./terminal.js";

const FLOOD_S = 60;
const load = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

/** On a loaded machine everything comes, later: what is slow is measured, and no reason to give up. */
const PATIENCE_MS = 120_000;

function patient(browser: Browser): Browser {
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  };
  return browser;
}

export async function runConsoleBench(
  rounds: number,
  only: readonly ConsolePart[],
  progress: (line: string) => void,
): Promise<BenchReport> {
  const began = new Date().toISOString();
  const loadBefore = load();
  const figures = new Figures();
  const env = { CRLAB_MAX_GUESTS: "9", CRLAB_MAX_GUESTS_PER_BROWSER: "9" };
  const lab = await startLab({ env });
  const launched = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"],
  });
  const browser = patient(launched);
  try {
    progress("console: an experiment to look at");
    const share = await runCard(browser, lab.url);
    const given = await (await fetch(`${lab.url}${share}/download`)).text();
    const archive = experimentArchive.parse(JSON.parse(given));
    const audit = async () => {
      for (const found of await audits((page) => imported(page, given), progress)) {
        for (const [category, score] of Object.entries(found.scores))
          figures.add(`Lighthouse, ${found.name}`, category, [score]);
        const faults = found.faults.join("; ");
        figures.target(`Lighthouse on ${found.name}`, wantedScores, describeScores(found), found.good, faults);
      }
    };
    const parts: Record<ConsolePart, { name: string; wanted: string; work: () => Promise<void> }> = {
      shell: {
        name: "click on a card to a usable shell, warm",
        wanted: "median at most 1.0 s",
        work: () => cardToShell(browser, lab.url, figures, rounds),
      },
      echo: {
        name: "keystroke echo, idle",
        wanted: "p50 at most 15 ms, p99 at most 60 ms",
        work: () => echoBesideWetty(browser, lab.url, figures),
      },
      crowd: {
        name: "100 viewers, 8 guests",
        wanted: "every log whole, echo p99 at most 150 ms",
        work: () => crowd(browser, lab.url, figures),
      },
      flood: {
        name: `flood of ${FLOOD_S} s`,
        wanted: "a page that lives",
        work: () => flood(browser, lab.url, figures, FLOOD_S),
      },
      load: {
        name: "first load",
        wanted: "at most 150 KB of JavaScript, gzip",
        work: () => firstLoads(browser, lab.url, share, figures),
      },
      audit: { name: "Lighthouse", wanted: wantedScores, work: audit },
      map: {
        name: "heat map of 1,000,000 pages, panning",
        wanted: "60 frames a second",
        work: () => heatMap(browser, lab.url, archive, figures),
      },
      many: {
        name: "10000 experiments",
        wanted: "at most 100 ms on the server",
        work: () => tenThousand(join(lab.data, "crlab.db"), archive.id, figures, rounds),
      },
    };
    for (const part of consoleParts.filter((name) => only.includes(name))) {
      const { name, wanted, work } = parts[part];
      progress(`console: ${name}`);
      await work().catch((error: unknown) => figures.broke(name, wanted, error));
    }
    const { fingerprint } = foldAll(archive.events);
    if (fingerprint === null) throw new Error("no guest has booted");
    return benchReport.parse({
      version: 1,
      machine: {
        ...{ began, cpu: cpus()[0]?.model ?? "unknown", hostCpus: cpus().length, loadBefore, loadAfter: load() },
        ...{ accel: fingerprint.accel, guestCpus: fingerprint.cpus, guestMemMiB: fingerprint.memMiB },
        ...{ clocksource: "not looked at", kernelRelease: fingerprint.kernelRelease },
        ...{ kernelHash: fingerprint.kernelHash, imageHash: fingerprint.imageHash },
        ...{ qemuVersion: fingerprint.qemuVersion, criuVersion: "not used" },
      },
      rounds,
      results: figures.results,
      targets: figures.targets,
    } satisfies BenchReport);
  } finally {
    await launched.close();
    await lab.stop();
  }
}
