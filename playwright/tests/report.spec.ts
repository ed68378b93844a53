import { readFile } from "node:fs/promises";
import { experimentArchive, foldAll, report } from "@crlab/shared";
import { expect, type Page } from "@playwright/test";
import { action, bootByHand, endIt, expectStep, runFile, test, verdict } from "./page.js";

async function runCommand(page: Page, command: string): Promise<void> {
  await action(page, "run").click();
  await page.getByRole("dialog").getByLabel("Command").fill(command);
  await page.getByRole("dialog").getByRole("button", { name: "Run" }).click();
}

test("Fork, Run again, Copy and Download give what they say", async ({ page, browser }) => {
  const url = await bootByHand(page, "To be copied");
  await runCommand(page, "echo once");
  await expectStep(page, 2, "ok");
  await endIt(page);
  await expect(verdict(page)).toHaveText("pass");

  await page.getByRole("tab", { name: "Report" }).click();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy as plain-text report" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Copied." })).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("Verdict: PASS");
  expect(copied).toContain(url);
  expect(Math.max(...copied.split("\n").map((line) => line.length))).toBeLessThanOrEqual(72);

  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download JSON" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^crlab-[A-Za-z0-9]+\.json$/);
  const archive = experimentArchive.parse(JSON.parse(await readFile(await download.path(), "utf8")));
  expect(`${report(foldAll(archive.events), url)}`).toBe(copied);

  // Anyone may run it again, in an experiment of their own.
  const other = await (await browser.newContext()).newPage();
  await other.goto(url);
  await other.getByRole("button", { name: "Run again" }).click();
  await expect(other).not.toHaveURL(url);
  await expectStep(other, 2, "ok");
  await expect(action(other, "end")).toBeVisible();
  await endIt(other);

  // A fork waits: its steps are planned, and one drives it.
  await page.getByRole("button", { name: "Fork" }).click();
  await expect(page).not.toHaveURL(url);
  await expect(verdict(page)).toHaveText("not started");
  await expect(page.locator('[data-state="planned"]')).toHaveCount(2);
  await action(page, "runPlan").click();
  await expectStep(page, 2, "ok");
  await endIt(page);
  await expect(verdict(page)).toHaveText("pass");
});

test("a planned step that fails is the verdict at once, and the page says what to do next", async ({ page }) => {
  await runFile(
    page,
    [
      "title: It fails in the middle",
      "steps:",
      "  - kind: boot",
      "  - { kind: run, command: [sh, -c, 'test -e /tmp/mended'] }",
      "  - { kind: run, command: [echo, reached] }",
    ].join("\n"),
  );
  await expectStep(page, 2, "failed");
  await expect(verdict(page)).toHaveText("fail");
  const stopped = page.getByTestId("plan-stopped");
  await expect(stopped).toContainText("Step 2 (run) failed");
  await expect(stopped).toContainText("ended with 1");
  await expect(stopped).toContainText("The planned step after it was not run");
  await expect(page.locator('[data-state="not-run"]')).toHaveCount(1);
  await stopped.getByRole("button", { name: "Run the rest" }).click();
  await expectStep(page, 3, "ok");
  await expect(stopped).toHaveCount(0);
  await expect(verdict(page)).toHaveText("fail");

  // A guest that is lost is told of at once, and another one takes its place.
  await runCommand(page, 'python3 -c "import ctypes; ctypes.CDLL(None).reboot(0x01234567)"');
  await expectStep(page, 4, "failed");
  await expect(page.getByTestId("lost")).toContainText("Guest 1 has died: the guest reset itself.");
  await action(page, "boot").click();
  await page.getByRole("dialog").getByRole("button", { name: "Boot" }).click();
  await expectStep(page, 5, "ok");
  await expect(page.getByTestId("lost")).toHaveCount(0);
  await endIt(page);
  await expect(verdict(page)).toHaveText("fail");
});

test("a browser that gives this address no clipboard copies all the same, from a terminal, too", async ({ page }) => {
  await page.addInitScript(() => {
    // As for http from another machine.
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    document.addEventListener("copy", ({ clipboardData }) => {
      const copied = clipboardData?.getData("text/plain") || String(document.getSelection());
      Object.assign(window, { copied });
    });
  });
  const copied = () => page.evaluate(() => String(Reflect.get(window, "copied")));
  const url = await bootByHand(page, "Copied by hand");
  await page.getByRole("button", { name: /^Share/ }).click();
  await expect(page.getByRole("button", { name: /^Copied/ })).toBeVisible();
  expect(await copied()).toContain(url);

  await action(page, "shell").click();
  await expect(page.locator(".xterm-rows").first()).toContainText("#");
  await page.keyboard.type("echo to-be-copied");
  const line = await page.locator(".xterm-rows > div").filter({ hasText: "# echo to-be-copied" }).boundingBox();
  if (!line) throw new Error("the line has no place");
  await page.mouse.click(line.x + 20, line.y + line.height / 2, { clickCount: 3 });
  await page.keyboard.press("Control+Shift+C");
  expect(await copied()).toContain("# echo to-be-copied");
});

test("the report fits a phone", async ({ page, browser }) => {
  const url = await bootByHand(page, "On a phone");
  await action(page, "start").click();
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  await expectStep(page, 2, "ok");
  await action(page, "checkpointFull").click();
  await page.getByRole("dialog").getByRole("button", { name: "Checkpoint" }).click();
  await expectStep(page, 3, "ok");
  await endIt(page);
  const phone = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  await phone.goto(url);
  const sheet = phone.getByText("Verdict: PASS");
  await expect(sheet).toBeVisible();
  expect(await sheet.evaluate((e) => e.scrollWidth - e.clientWidth)).toBeLessThanOrEqual(0);
  expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expect(phone.getByRole("cell", { name: "Full c1" })).toBeVisible();
  // Nothing on it is too small to be read.
  const small = await phone.evaluate(() => {
    const found: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      const { parentElement, textContent } = text;
      if (!textContent?.trim() || !parentElement?.checkVisibility()) continue;
      if (Number.parseFloat(getComputedStyle(parentElement).fontSize) < 12) found.push(textContent);
    }
    return found;
  });
  expect(small).toEqual([]);
});
