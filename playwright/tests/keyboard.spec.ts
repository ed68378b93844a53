import { expect, type Page } from "@playwright/test";
import { endIt, expectStep, labUrl, test, verdict } from "./page.js";

/** What has the focus, as a person hears it. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    return `${at?.getAttribute("aria-label") ?? at?.closest("label")?.textContent ?? at?.textContent ?? ""}`.trim();
  });

async function tabTo(page: Page, what: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press("Tab");
    const here = await focused(page);
    if (what.test(here)) return;
    passed.push(here.slice(0, 30));
  }
  throw new Error(`Tab does not come to ${what}; it came to ${passed.join(" | ")}`);
}

test("by keyboard alone: from the home page to a process that was checkpointed, killed and restored", async ({
  page,
}) => {
  await page.goto(labUrl());
  await expect(page.getByText(/runner · \d+ guest/)).toBeVisible();
  await tabTo(page, /^New experiment$/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/new$/);
  await expect(page.getByRole("button", { name: "Boot guest" })).toBeEnabled();
  await tabTo(page, /^Title/);
  await page.keyboard.press("Control+A");
  await page.keyboard.type("By keyboard");
  await tabTo(page, /^Boot guest$/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
  await expectStep(page, 1, "ok");

  // What is not possible yet says why.
  await page.keyboard.press("r");
  expect(await focused(page)).toBe("Restore");
  await expect(page.getByTestId("actions").getByRole("status")).toHaveText("Restore: start a workload first");

  const dialog = page.getByRole("dialog");
  await page.keyboard.press("s");
  await expect(dialog).toBeVisible();
  await tabTo(page, /^Start$/);
  await page.keyboard.press("Enter");
  await expectStep(page, 2, "ok");

  await page.keyboard.press("c");
  await expect(dialog).toBeVisible();
  await tabTo(page, /^The processes/);
  await page.keyboard.press("End");
  await expect(dialog.getByLabel("The processes")).toHaveValue("kill");
  await tabTo(page, /^Checkpoint$/);
  await page.keyboard.press("Enter");
  await expectStep(page, 3, "ok");

  await page.keyboard.press("r");
  await expect(dialog).toBeVisible();
  await tabTo(page, /^Restore$/);
  await page.keyboard.press("Enter");
  await expectStep(page, 4, "ok");
  await page.keyboard.press("v");
  await expectStep(page, 5, "ok");

  // Into the inspector, along its tabs, into a terminal and out of it again.
  await page.keyboard.press("3");
  await tabTo(page, /^Processes$/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Checkpoints" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByTestId("chain").locator("tbody tr")).toHaveCount(1);
  await page.keyboard.press("t");
  await expect(page.getByRole("tab", { name: "shell", selected: true })).toBeVisible();
  await expect(page.locator(".xterm-rows").first()).toContainText("#");
  // Whoever opens a shell types into it.
  await page.keyboard.type("echo $((6*7))-typed\n");
  await expect(page.locator(".xterm-rows").first()).toContainText("42-typed");
  await page.keyboard.press("Shift+Escape");
  expect(await page.evaluate(() => document.activeElement?.closest(".xterm") === null)).toBe(true);
  await page.keyboard.press("2");
  await page.keyboard.press("1");
  await tabTo(page, /^Terminal/);
  await page.keyboard.type("echo $((7*7))-again\n");
  await expect(page.locator(".xterm-rows").first()).toContainText("49-again");
  await page.keyboard.press("Shift+Escape");

  await page.keyboard.press("e");
  await expect(dialog).toBeVisible();
  await tabTo(page, /^End$/);
  await page.keyboard.press("Enter");
  await expect(verdict(page)).toHaveText("pass");
});

test("a lab sheet step by step, and then through its replay, by keyboard", async ({ page }) => {
  await page.goto(labUrl());
  await expect(page.getByText(/runner · \d+ guest/)).toBeVisible();
  await tabTo(page, /^Step by step: Unlinked file$/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Run this step" })).toBeVisible();
  await page.keyboard.press(".");
  await expectStep(page, 1, "ok");
  await expect(page.getByRole("button", { name: "Run this step" })).toBeVisible();
  await page.keyboard.press(".");
  await expectStep(page, 2, "ok");
  // What to watch is there without a further step, and follows what one does by hand.
  const held = page.locator("#inspector tr").filter({ hasText: "/data/unlinked-holder." });
  await expect(held).toBeVisible();
  await page.keyboard.press("t");
  await expect(page.locator(".xterm-rows").first()).toContainText("#");
  await page.keyboard.type("rm /data/unlinked-holder.*\n");
  await expect(held.locator(".tag.unlinked")).toBeVisible();
  await page.keyboard.press("Shift+Escape");
  await endIt(page);

  const moment = page.getByRole("slider", { name: "Moment of the experiment" });
  await moment.focus();
  const end = Number(await moment.inputValue());
  await page.keyboard.press("ArrowLeft");
  expect(end - Number(await moment.inputValue())).toBeCloseTo(1000, -2);
  await page.keyboard.press(" ");
  await expect(page.getByRole("button", { name: "Pause replay" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Play replay" })).toBeVisible();
  await expect(moment).toHaveValue(String(end));
  await expect(page).not.toHaveURL(/t=/);

  // A link that speaks of a moment after the last shows the end.
  await page.goto(`${page.url().split("?")[0]}?t=9000`);
  const clock = await page.getByTestId("replay").textContent();
  expect(clock).toMatch(/^(\d\d:\d\d) \/ \1$/);
});
