import { expect } from "@playwright/test";
import { action, bootByHand, endIt, expectStep, test, verdict } from "./page.js";

test("the power is cut under a process, and it comes back on its terminal from the image on the disk", async ({
  page,
}) => {
  await bootByHand(page, "Power cut");
  await action(page, "start").click();
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  await expectStep(page, 2, "ok");
  await action(page, "checkpointFull").click();
  await page.getByRole("dialog").getByRole("button", { name: "Checkpoint" }).click();
  await expectStep(page, 3, "ok");

  await action(page, "powerCut").click();
  await expect(page.getByRole("dialog")).toContainText("The guest is gone at once");
  await page.getByRole("dialog").getByRole("button", { name: "Pull the plug" }).click();
  await expectStep(page, 4, "ok");
  await expect(page.getByTestId("step-4")).toContainText("Power cut");
  await expect(action(page, "verify")).toHaveAttribute("aria-disabled", "true");

  await action(page, "restore").click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
  await expectStep(page, 5, "ok");
  await action(page, "verify").click();
  await expectStep(page, 6, "ok");
  await expect(page.locator(".xterm-rows").first()).toContainText("verify: ok");
  await endIt(page);
  await expect(verdict(page)).toHaveText("pass");
});
