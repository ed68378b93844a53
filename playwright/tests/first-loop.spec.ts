import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { action, bootByHand, expectStep, labUrl, runCard, test, verdict } from "./page.js";

test("a card's experiment runs to its verdict while another browser watches", async ({ page, browser }) => {
  const url = await runCard(page, "Unlinked file");
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(url);
  await expectStep(viewer, 1, "ok");
  await expect(viewer.getByTestId("actions")).toHaveCount(0);

  // A card's experiment stays open after its last step, so that one can go on by hand.
  await expectStep(page, 15, "ok");
  await action(page, "end").click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await expect(verdict(page)).toHaveText("pass");
  await expect(verdict(viewer)).toHaveText("pass");
  await expect(page.locator('[data-state="failed"]')).toHaveCount(0);
  await expect(page.getByTestId("replay")).toBeVisible();

  const steps = await page.getByTestId("steps").innerText();
  await page.reload();
  await expect(page.getByTestId("steps")).toHaveText(steps, { useInnerText: true });

  // The guest is gone; whoever opens the link now sees all of it, terminals included.
  const late = await (await browser.newContext()).newPage();
  await late.goto(url);
  await expect(verdict(late)).toHaveText("pass");
  await expect(late.getByTestId("actions")).toHaveCount(0);
  // At first as text; a terminal is loaded for whoever points at it.
  await expect(late.getByTestId("last-screen")).toContainText(/\S/);
  await expect(late.locator(".xterm-rows")).toHaveCount(0);
  await late.getByRole("tabpanel").first().hover();
  await expect(late.locator(".xterm-rows").first()).not.toBeEmpty();
  await late.getByRole("slider", { name: "Moment of the experiment" }).fill("0");
  await expect(late.getByTestId("step-5")).toHaveCount(0);
});

test("the loop by hand, by buttons and keys", async ({ page }) => {
  await bootByHand(page, "By hand");
  await expect(action(page, "checkpointFull")).toHaveAttribute("aria-disabled", "true");
  await expect(action(page, "checkpointFull")).toHaveAttribute("title", /start a workload first/);

  await action(page, "start").click();
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  await expectStep(page, 2, "ok");
  await page.getByTestId("steps").click();
  await page.keyboard.press("c");
  await page.getByRole("dialog").getByRole("button", { name: "Checkpoint" }).click();
  await expectStep(page, 3, "ok");
  await page.getByRole("tab", { name: "Checkpoints" }).click();
  await expect(page.getByRole("heading", { name: "Chain" })).toBeVisible();
  const restore = page.getByRole("button", { name: "Restore from c1" });
  await expect(restore).toHaveCount(0);
  await page.keyboard.press("k");
  await expectStep(page, 4, "ok");
  await expect(page.getByTestId("step-4")).toContainText("SIGKILL · 1 process");
  // From the row of the one that is looked at.
  await restore.click();
  await expect(page.getByRole("dialog").getByLabel("Checkpoint")).toHaveValue("c1");
  await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
  await expectStep(page, 5, "ok");
  await page.keyboard.press("v");
  await expectStep(page, 6, "ok");
  await action(page, "end").click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await expect(verdict(page)).toHaveText("pass");
  await page.getByRole("tab", { name: "Kernel log" }).click();
  await expect(page.getByTestId("notes")).toContainText("guest 1 is stopped: the experiment ends");
});

test("a shipped experiment reads like a lab sheet, and is run step by step by clicks on it", async ({
  page,
  browser,
}) => {
  await page.goto(labUrl());
  await page.getByRole("button", { name: "Step by step: Unlinked file", exact: true }).click();
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
  await expect(page.getByTestId("sheet")).toContainText(/Question.*file that has no name.*What to watch.*descriptor 3/);
  const outcome = page.getByTestId("outcome");
  await expect(outcome).toContainText(/Expected.*three verifications.*What came out.*Nothing yet/);
  const next = page.getByRole("button", { name: "Run this step" });
  await expect(page.getByTestId("step-1")).toHaveCount(0);
  for (let step = 1; step <= 4; step++) {
    await next.click();
    await expectStep(page, step, "ok");
    await expect(page.getByTestId(`step-${step + 1}`)).toHaveCount(0);
  }
  await expect(page.getByTestId("step-4")).toContainText("From here on the file lives only through");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }
  // Who watches reads it and runs nothing; what is to be watched is a click away, on a phone, too.
  const viewer = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  await viewer.goto(`${page.url()}?show=charts`);
  await expect(viewer.getByTestId("sheet")).toContainText("What to watch");
  await viewer.getByTestId("sheet").getByRole("link", { name: "Processes" }).click();
  await expect(viewer.getByRole("tab", { name: "Processes" })).toHaveAttribute("aria-selected", "true");
  await expect(viewer.getByRole("tab", { name: "Processes" })).toBeInViewport();
  await expect(viewer.getByRole("button", { name: "Run this step" })).toHaveCount(0);
  await viewer.close();

  await page.getByTestId("steps").click();
  await page.keyboard.press("p");
  await expectStep(page, 15, "ok");
  await expect(next).toHaveCount(0);
  await action(page, "end").click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await expect(outcome).toContainText(/pass: all 15 steps ok, 3 verifications ok/);
  await expect(outcome).toContainText(/stood still for: full .* more .*restored in: more .* full /);
});
