import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { endIt, expectStep, labUrl, prefetched, runFile, test } from "./page.js";

const file = (memMiB: number, command: string) =>
  [
    "title: Compared",
    `memMiB: ${memMiB}`,
    "steps:",
    "  - kind: boot",
    `  - { kind: run, command: [sh, -c, '${command}'] }`,
  ].join("\n");

test("two experiments side by side: what was not alike, what came out otherwise, and ratios", async ({ page }) => {
  const ids: string[] = [];
  for (const [memMiB, command, state] of [
    [256, "true", "ok"],
    [320, "exit 3", "failed"],
  ] as const) {
    await runFile(page, file(memMiB, command));
    await expectStep(page, 2, state);
    await endIt(page);
    ids.push(new URL(page.url()).pathname.split("/").at(-1) ?? "");
  }
  const asked = prefetched(page);
  await page.goto(`${labUrl()}/compare?x=${ids[0]}`);
  await page.getByLabel("Put beside").selectOption(ids[1] ?? "");
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page).toHaveURL(new RegExp(`x=${ids[0]}&other=${ids[1]}`));
  await expect(page.getByTestId("unlike")).toContainText("memory: A 256 MiB · B 320 MiB");
  const rows = page.getByTestId("comparison").locator('tbody tr[data-step="true"]');
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText(/\d+\.\d\dx/);
  await expect(page.locator('[data-transition="true"]')).toHaveCount(2);
  await expect(rows.filter({ hasText: "exit 3" })).toContainText("failed");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }
  expect(asked).toEqual([]);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  // Both of them, without moving the table.
  const last = await rows.first().locator("td").last().boundingBox();
  expect((last?.x ?? 0) + (last?.width ?? 390)).toBeLessThanOrEqual(390);

  // One that is not in the list is named by its link; one that is not there is named, too.
  await page.goto(`${labUrl()}/compare?x=${ids[0]}`);
  await page.getByLabel("or one by its link").fill(`${labUrl()}/x/${ids[1]}?t=1`);
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.getByTestId("unlike")).toContainText("memory: A 256 MiB · B 320 MiB");
  await page.goto(`${labUrl()}/compare?x=${ids[0]}&x=nothinghere1`);
  await expect(page.getByRole("alert").filter({ hasText: "no experiment nothinghere1" })).toBeVisible();

  // Or they are ticked in the list, which on a phone is whole, too.
  await page.goto(`${labUrl()}/?q=Compared`);
  const list = page.getByRole("form", { name: "Compare" });
  await expect(list.getByRole("row").filter({ hasText: "Compared" })).not.toHaveCount(0);
  expect(await list.evaluate((e) => (e.parentElement ?? e).scrollWidth)).toBeLessThanOrEqual(390);
  for (const id of ids) await list.getByRole("checkbox", { name: `Compare Compared, ${id}` }).check();
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.getByTestId("unlike")).toContainText("memory: A 320 MiB · B 256 MiB");
});
