import { expect } from "@playwright/test";
import { action, endIt, expectStep, labUrl, runFile, test, verdict } from "./page.js";

const file = (lines: readonly string[]) => ["title: With CRIU", "engine: criu", "steps:", ...lines].join("\n");

test("of an experiment whose engine is CRIU, what CRIU cannot be asked for is not offered, and why", async ({
  page,
}) => {
  await runFile(
    page,
    file(["  - kind: boot", "  - { kind: start, workload: counter }", "  - { kind: checkpoint, name: first }"]),
  );
  await expectStep(page, 3, "ok");
  for (const id of ["dryRun", "migrate"]) {
    await expect(action(page, id)).toHaveAttribute("aria-disabled", "true");
    await expect(action(page, id)).toHaveAttribute("title", /CRIU, this experiment's engine, has nothing for it/);
  }
  await page.getByRole("tab", { name: "Checkpoints" }).click();
  await expect(page.getByTestId("chain")).toContainText("first");
  await expect(page.locator("#inspector")).toContainText("The images are CRIU's");
  await expect(page.getByRole("button", { name: /^Open the image/ })).toHaveCount(0);
  await page.getByRole("tab", { name: "Memory" }).click();
  await expect(page.locator("#inspector")).toContainText("The images are CRIU's");

  await action(page, "checkpointIncremental").click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.locator('option[value="relink"], option[value="live"]')).toHaveCount(2);
  for (const option of await dialog.locator('option[value="relink"], option[value="live"]').all())
    await expect(option).toBeDisabled();
  await expect(dialog).toContainText("has nothing for a live checkpoint");
  await expect(dialog).toContainText("has nothing for new names for files without one");
  await dialog.getByLabel("The processes").selectOption("kill");
  await dialog.getByRole("button", { name: "Checkpoint" }).click();
  await expectStep(page, 4, "ok");
  await action(page, "restore").click();
  await dialog.getByRole("button", { name: "Restore" }).click();
  await expectStep(page, 5, "ok");
  await endIt(page);
  await expect(verdict(page)).toHaveText("pass");
});

test("a file that asks CRIU for what it has not is refused before it is run", async ({ page }) => {
  await page.goto(`${labUrl()}/new`);
  await page.getByLabel("Experiment file").fill(file(["  - kind: boot", "  - { kind: migrate }"]));
  await page.getByRole("button", { name: /Run file/ }).click();
  const said = page.getByRole("alert").filter({ hasText: "file:" });
  await expect(said).toContainText("steps[1]: CRIU has nothing for moving a process to another guest");
});
