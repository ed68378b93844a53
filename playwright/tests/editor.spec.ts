import { readFile } from "node:fs/promises";
import { AxeBuilder } from "@axe-core/playwright";
import { parseExperimentFile } from "@crlab/shared/parse";
import { expect, type Page } from "@playwright/test";
import { endIt, expectStep, labUrl, test } from "./page.js";

const editor = (page: Page) => page.locator(".cm-content");

test("steps are written with completion and errors in place, saved, and run", async ({ page }) => {
  await page.goto(`${labUrl()}/new`);
  await editor(page).click();
  await page.keyboard.type("title: Written here\nmemMiB: 64\nsteps:\n- ");
  // A step begins with what it does; the list says what each is.
  await page.keyboard.press("Control+Space");
  const choices = page.locator(".cm-tooltip-autocomplete");
  await expect(choices).toContainText("kind: checkpoint");
  await page.keyboard.type("boo");
  await expect(choices.getByRole("option")).toContainText(["kind: boot", "kind: reboot"]);
  // A list that has just come up takes no key: nobody can have read it.
  await expect(async () => {
    await page.keyboard.press("Tab");
    await expect(choices).toBeHidden({ timeout: 1000 });
  }).toPass();
  await page.keyboard.type("\n- kind: r");
  await expect(choices).toContainText("run");
  await page.keyboard.press("Escape");
  await page.keyboard.type("un\ncommand: [echo, hello]\nexitcode: 0");

  // What is wrong is marked where it stands, and said.
  const marks = page.locator(".cm-lintRange-error");
  await expect(marks.filter({ hasText: "memMiB" })).toBeVisible();
  await expect(marks.filter({ hasText: "exitcode" })).toBeVisible();
  await page.getByRole("button", { name: /Run file/ }).click();
  const said = page.getByRole("alert").filter({ hasText: "file:" });
  await expect(said).toContainText(/file:2:1: memMiB: .*at least 128/);
  await expect(said).toContainText("unknown field; allowed: kind, command, exitCode");
  // Each leads to its place.
  await said.getByRole("button", { name: /^file:2:1:/ }).click();
  await expect(editor(page)).toBeFocused();
  await expect(page.locator(".cm-activeLine")).toContainText("memMiB");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }

  // What was written outlives the page.
  await page.reload();
  await expect(editor(page)).toContainText("exitcode");
  await editor(page).fill(
    "title: Written here\nmemMiB: 256\nsteps:\n  - kind: boot\n  - kind: run\n    command: [echo, hello]\n",
  );
  await expect(marks).toHaveCount(0);
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save as a file" }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe("written-here.yaml");
  expect(parseExperimentFile(await readFile(await saved.path(), "utf8"), "f")).toMatchObject({ ok: true });
  await editor(page).click();
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
  await expectStep(page, 2, "ok");
  await endIt(page);

  // What was done can be edited, and run as another experiment.
  await page.getByRole("tab", { name: "Report" }).click();
  await page.getByRole("link", { name: "Edit steps" }).click();
  await expect(editor(page)).toContainText("title: Written here");
  await page.getByLabel("Begin with").selectOption({ label: "Unlinked file" });
  await expect(editor(page)).toContainText("workload: unlinked-holder");
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

test("the editor is loaded where it is used, and nothing on its page breaks the policy", async ({ page }) => {
  const refused: string[] = [];
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
  const scripts: string[] = [];
  page.on("response", (response) => response.url().endsWith(".js") && scripts.push(response.url()));
  await page.goto(labUrl());
  await expect(page.getByRole("button", { name: "Run: Unlinked file", exact: true })).toBeEnabled();
  const atHome = scripts.length;
  await page.goto(`${labUrl()}/new`);
  await expect(editor(page)).toBeVisible();
  expect(scripts.length).toBeGreaterThan(atHome);
  // Its own colours: they come by a style element, which needs the page's nonce.
  await editor(page).fill("title: T");
  await expect(page.locator(".cm-gutters")).toBeVisible();
  expect(await page.locator(".cm-scroller").evaluate((e) => getComputedStyle(e).display)).toBe("flex");
  expect(refused).toEqual([]);
});
