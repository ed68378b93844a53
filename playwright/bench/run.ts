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
import { cardToShell, echoBesideWetty, flood } from "./terminal.js";

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

export async function runConsoleBench(rounds: number, progress: (line: string) => void): Promise<BenchReport> {
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
  const part = <T>(name: string, wanted: string, work: () => Promise<T>): Promise<T | undefined> => {
    progress(`console: ${name}`);
    return work().catch((error: unknown) => {
      figures.broke(name, wanted, error);
      return undefined;
    });
  };
  try {
    const share = await part("click on a card to a usable shell, warm", "median at most 1.0 s", () =>
      cardToShell(browser, lab.url, figures, rounds),
    );
    if (share === undefined) throw new Error(`no experiment to measure the others with: ${figures.targets[0]?.got}`);
    const given = await (await fetch(`${lab.url}${share}/download`)).text();
    const archive = experimentArchive.parse(JSON.parse(given));
    await part("keystroke echo, idle", "p50 at most 15 ms, p99 at most 60 ms", () =>
      echoBesideWetty(browser, lab.url, figures),
    );
    await part("100 viewers, 8 guests", "every log whole, echo p99 at most 150 ms", () =>
      crowd(browser, lab.url, figures),
    );
    await part(`flood of ${FLOOD_S} s`, "a page that lives", () => flood(browser, lab.url, figures, FLOOD_S));
    await part("first load", "at most 150 KB of JavaScript, gzip", () => firstLoads(browser, lab.url, share, figures));
    await part("Lighthouse", wantedScores, async () => {
      for (const audit of await audits((page) => imported(page, given), progress)) {
        for (const [category, score] of Object.entries(audit.scores))
          figures.add(`Lighthouse, ${audit.name}`, category, [score]);
        figures.target(
          `Lighthouse on ${audit.name}`,
          wantedScores,
          describeScores(audit),
          audit.good,
          audit.faults.join("; "),
        );
      }
    });
    await part("heat map of 1,000,000 pages, panning", "60 frames a second", () =>
      heatMap(browser, lab.url, archive, figures),
    );
    await part("10000 experiments", "at most 100 ms on the server", () =>
      tenThousand(join(lab.data, "crlab.db"), archive.id, figures, rounds),
    );
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
