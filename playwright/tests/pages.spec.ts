import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { labUrl, runFile, test } from "./page.js";

for (const path of ["/", "/new", "/sweeps", "/guests", "/figures", "/compare", "/x/doesnotexist"]) {
  test(`axe finds nothing on ${path}, light and dark, and it fits a phone`, async ({ page }) => {
    await page.goto(`${labUrl()}${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });
}

test("a first visit begins with a file, memory and a watch", async ({ page }) => {
  await page.goto(labUrl());
  const cards = page.locator("main section[aria-label] h2");
  await expect(cards.nth(0)).toHaveText("Unlinked file");
  await expect(cards.nth(1)).toHaveText("Only what changed");
  await expect(cards.nth(2)).toHaveText(/^A watch survives/);
});

test("the step that runs is in sight, also after a reload, and when the actions have taken their room", async ({
  page,
}) => {
  await runFile(
    page,
    [
      "title: Long",
      "steps:",
      "  - kind: boot",
      ...Array.from({ length: 14 }, () => "  - { kind: run, command: ['true'] }"),
      "  - { kind: run, command: [sleep, '15'] }",
      "  - { kind: run, command: ['true'] }",
    ].join("\n"),
  );
  const running = page.locator('[data-testid="step-16"][data-state="running"]');
  await expect(running).toBeVisible({ timeout: 90_000 });
  await expect(running).toBeInViewport({ ratio: 1 });
  await page.reload();
  await expect(page.getByTestId("actions")).toBeVisible();
  await expect(page.getByTestId("step-16")).toBeInViewport({ ratio: 1 });
  // With the one that comes after it.
  await expect(page.locator('[data-testid="step-16"] + li')).toBeInViewport({ ratio: 1 });
});

test("an experiment's page: axe, phone, shortcuts, theme and zones over a reload", async ({ page }) => {
  await page.goto(`${labUrl()}/new`);
  await page.getByLabel("Title").fill("Looks");
  await page.getByRole("button", { name: "Boot guest" }).click();
  await page.waitForURL(/\/x\//);
  await expect(page.getByTestId("step-1")).not.toHaveAttribute("data-state", "running", { timeout: 90_000 });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }

  await page.getByTestId("steps").click();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);

  const separator = page.getByRole("separator", { name: "Width of the steps" });
  await separator.press("ArrowRight");
  const width = await separator.getAttribute("aria-valuenow");
  await page.getByRole("button", { name: "Switch between light and dark" }).click();
  const theme = await page.locator("html").getAttribute("data-theme");
  await page.reload();
  await expect(separator).toHaveAttribute("aria-valuenow", width ?? "");
  await expect(page.locator("html")).toHaveAttribute("data-theme", theme ?? "");

  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});
