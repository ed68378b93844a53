import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { BenchReport } from "../../packages/shared/src/bench.js";
import { labData, labUrl, test } from "./page.js";

const report: BenchReport = {
  version: 1,
  machine: {
    ...{ began: "2026-01-02T03:04:05.678Z", cpu: "A processor", hostCpus: 2, loadBefore: 0.5, loadAfter: 1.5 },
    ...{ accel: "tcg", guestCpus: 2, guestMemMiB: 1024, clocksource: "tsc", kernelRelease: "6.12.1-cr" },
    ...{ kernelHash: "aa", imageHash: "bb", qemuVersion: "7.2.1", criuVersion: "3.17" },
  },
  rounds: 3,
  results: [
    { bench: "memory", workload: "64 MiB", contender: "crlab", metric: "dumpNs", samples: [10e6, 30e6, 20e6] },
    { bench: "memory", workload: "64 MiB", contender: "criu", metric: "dumpNs", samples: [80e6, 80e6, 80e6] },
    {
      ...{ bench: "memory", workload: "64 MiB", contender: "limit", metric: "dumpNs", samples: [] },
      refusal: "it could not: no room",
    },
    { bench: "memory", workload: "64 MiB", contender: "crlab", metric: "imageBytes", samples: [2048] },
    { bench: "console", workload: "echo", contender: "wetty", metric: "p50Ns", samples: [4e6] },
  ],
  targets: [
    { name: "64 MiB: dump", wanted: "at least 2 times as fast as CRIU", got: "4.00 times", met: true },
    { name: "64 MiB: size", wanted: "at most 1 KiB", got: null, met: false, profile: "records are most of it" },
  ],
};
const names = ["2026-01-02T03-04-05-678Z", "2026-01-01T00-00-00-000Z"];

test("figures are drawn: targets, medians with their spread, who could not; an earlier run has its own link", async ({
  page,
}) => {
  const folder = join(labData(), "bench");
  mkdirSync(folder, { recursive: true });
  try {
    for (const [i, name] of names.entries())
      writeFileSync(join(folder, `${name}.json`), JSON.stringify({ ...report, rounds: report.rounds + i }));
    await page.goto(`${labUrl()}/figures`);
    await expect(page.getByRole("heading", { name: "Targets: 1 of 2 met" })).toBeVisible();
    const missed = page.getByRole("region", { name: "Targets" }).locator("tbody tr").nth(1);
    await expect(missed).toContainText("not measured");
    await expect(missed).toContainText("not met");
    await expect(missed).toContainText("records are most of it");
    const memory = page.getByRole("region", { name: "memory" });
    const dump = memory.locator("tbody tr").first();
    await expect(dump).toContainText(/64 MiB\s*dump/);
    await expect(dump).toContainText(/crlab20(\.0)?\sms\s10(\.0)?\sms\s–\s30(\.0)?\sms/);
    await expect(dump).toContainText("refused it could not: no room");
    // A bar's length is its median's share of the row's highest.
    const widths = await dump.locator("rect").evaluateAll((bars) => bars.map((bar) => bar.getAttribute("width")));
    expect(widths).toEqual(["25%", "100%"]);
    await expect(memory.locator("tbody tr").nth(1)).toContainText(/2(\.0)? KiB/);

    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);

    await expect(page.getByText("3 rounds on 2026-01-02 03:04 UTC")).toBeVisible();
    await page.getByRole("link", { name: names[1] ?? "" }).click();
    await expect(page).toHaveURL(new RegExp(`run=${names[1]}$`));
    await expect(page.getByText("4 rounds on 2026-01-02 03:04 UTC")).toBeVisible();
    expect((await page.request.get(`${labUrl()}/figures?run=2020-01-01T00-00-00-000Z`)).status()).toBe(404);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
