import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { action, endIt, expectStep, runFile, test, verdict } from "./page.js";

const file = [
  "title: Moved from the page",
  "memMiB: 256",
  "steps:",
  "  - kind: boot",
  "  - { kind: start, name: writer, workload: memwriter, args: ['--size', '8', '--rate', '200', '--pattern', 'hot'] }",
  "  - { kind: wait, output: pages rewritten }",
].join("\n");

test("a workload moves to another guest; its rounds are drawn as they are over, and stay with the link", async ({
  page,
  browser,
}) => {
  await runFile(page, file);
  await expectStep(page, 3, "ok");
  await action(page, "migrate").click();
  const dialog = page.getByRole("dialog", { name: "Migrate writer" });
  await dialog.getByLabel("Link, in MiB/s").fill("8");
  await dialog.getByLabel(/^Rounds while it runs/).fill("2");
  await dialog.getByLabel(/^Stop it when/).fill("1");
  await dialog.getByRole("button", { name: "Migrate" }).click();
  const migration = page.getByTestId("migration-4");
  // While it is on its way, at 8 MiB/s for more than a second.
  await expect(migration).toHaveAttribute("data-state", "running", { timeout: 90_000 });
  await expect(migration).toContainText("on its way …");
  await expectStep(page, 4, "ok");

  await expect(migration).toContainText("guest 1 → guest 2 · 8 MiB/s, 1 ms");
  const rounds = migration.getByRole("list", { name: "Rounds" }).getByRole("listitem");
  await expect(rounds.last()).toHaveAttribute("data-final", "true");
  const drawn = await rounds.evaluateAll((items) =>
    items.map((item) => ({
      text: item.textContent ?? "",
      share: Number.parseFloat(item.querySelector("rect")?.getAttribute("width") ?? ""),
    })),
  );
  // Two while it ran, one for which it stood still; the first has all of its memory.
  expect(drawn).toHaveLength(3);
  expect(drawn[0]?.share).toBe(100);
  for (const { text, share } of drawn) {
    expect(text).toMatch(/\d+ pages, stood still for/);
    expect(share).toBeGreaterThan(0);
  }
  expect(drawn[2]?.share).toBeLessThan(100);
  await expect(page.getByTestId("step-4")).toContainText(/to guest 2\s·\sdown\s[\d.]+\s(ms|s)/);
  const figures = page.getByTestId("figures").filter({ visible: true });
  await expect(figures).toContainText(/down, last move[\d.]+ (ms|s)rounds3over the link/);
  // What one follows stays in sight, with every round.
  await expect(rounds.last()).toBeInViewport();
  await expect(page.getByText(/^guest 2 up/)).toBeVisible();
  // It runs over there, in the same terminal, with the memory it had.
  await action(page, "verify").click();
  await expectStep(page, 5, "ok");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }
  await endIt(page);
  await expect(verdict(page)).toHaveText("pass");

  const late = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  await late.goto(page.url());
  await expect(late.getByTestId("migration-4").getByRole("listitem")).toHaveCount(3);
  // As it was served, and drawn as bars.
  expect((await late.getByTestId("migration-4").locator("svg").first().boundingBox())?.height).toBeLessThan(20);
  expect(await late.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});
