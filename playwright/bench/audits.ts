/** Lighthouse on what strangers see first. */
import { chromium, type Page } from "@playwright/test";
import { z } from "zod";
import { freePort, lendFigures, startLab } from "../lab.js";
import { audited, categories, GOOD_SCORE, type Scores } from "./lighthouse.js";

export interface Audited extends Scores {
  /** "home, phone". */
  name: string;
  good: boolean;
}

export const wantedScores = `at least ${GOOD_SCORE} for ${categories.join(", ")}`;

/** `subject` makes an experiment, which is over, and answers its path. */
export async function audits(
  subject: (page: Page, url: string) => Promise<string>,
  progress: (line: string) => void,
): Promise<Audited[]> {
  // A guest that is made for the next visitor would take from the page's own time, and look like the page's work.
  const lab = await startLab({ env: { CRLAB_SPARE_GUESTS: "0" } });
  const port = await freePort();
  // Lighthouse uses the browser's own context, and leaves it its cookies.
  const context = await chromium.launchPersistentContext("", {
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      `--remote-debugging-port=${port}`,
    ],
  });
  try {
    lendFigures(lab.data);
    const page = await context.newPage();
    await page.goto(lab.url);
    const share = await subject(page, lab.url);
    await page.close();
    const found: Audited[] = [];
    for (const [what, path] of [
      ["home", "/"],
      ["share page", share],
      ["figures", "/figures"],
    ] as const)
      for (const form of ["desktop", "phone"] as const) {
        const name = `${what}, ${form}`;
        progress(`lighthouse: ${name}`);
        const { scores, faults } = await audited(`${lab.url}${path}`, port, { phone: form === "phone" });
        found.push({ name, scores, faults, good: Object.values(scores).every((score) => score >= GOOD_SCORE) });
      }
    return found;
  } finally {
    await context.close();
    await lab.stop();
  }
}

export const describeScores = ({ scores }: Scores): string =>
  categories.map((category) => `${category} ${scores[category]}`).join(", ");

/** A copy of an experiment that another lab gave away. */
export async function imported(page: Page, archive: string): Promise<string> {
  const said = await page.evaluate(async (body) => {
    const answer = await fetch("/import", { method: "POST", body, headers: { "content-type": "application/json" } });
    return answer.text();
  }, archive);
  const taken = z.object({ experiment: z.string() }).safeParse(JSON.parse(said));
  if (!taken.success) throw new Error(`not taken in: ${said}`);
  return `/x/${taken.data.experiment}`;
}
