import { expect, test } from "@playwright/test";
import { action, bootByHand, expectStep } from "./page.js";

test("a checkpoint's image is opened: its records, its memory, and how it differs from the next", async ({
  page,
  browser,
}) => {
  const url = await bootByHand(page, "Images");
  await action(page, "start").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Workload").selectOption("memwriter");
  await dialog.getByLabel("Arguments").fill("--size 4 --rate 200");
  await dialog.getByRole("button", { name: "Start" }).click();
  await expectStep(page, 2, "ok");
  await expect(page.locator(".xterm-rows").first()).toContainText("pages rewritten");
  await action(page, "checkpointFull").click();
  await dialog.getByRole("button", { name: "Checkpoint" }).click();
  await expectStep(page, 3, "ok");
  await action(page, "checkpointIncremental").click();
  await dialog.getByRole("button", { name: "Checkpoint" }).click();
  await expectStep(page, 4, "ok");

  await page.getByRole("tab", { name: "Memory" }).click();
  await page.getByRole("button", { name: "Open the image of c2" }).click();
  await expect(page.getByText("changed since c1")).toBeVisible();
  const strips = page.getByRole("img", { name: /as in the parent/ });
  await expect(strips.first()).toBeVisible();
  const drawn = await strips.evaluateAll(
    (all) =>
      all.filter(
        (e) =>
          e instanceof HTMLCanvasElement &&
          e.width > 0 &&
          e
            .getContext("2d")
            ?.getImageData(0, 0, e.width, e.height)
            .data.some((byte) => byte !== 0),
      ).length,
  );
  expect(drawn).toBeGreaterThan(2);

  await page.getByRole("tab", { name: "Checkpoints" }).click();
  const image = page.getByTestId("image");
  await expect(image).toContainText("Image of c2");
  await expect(image.getByRole("row", { name: /TRAILER/ })).toContainText("records, crc32c");
  await image.getByLabel("Compare with").selectOption("c1");
  await page.getByRole("button", { name: "Open the image of c1" }).click();
  await expect(page.getByTestId("difference")).toContainText("PAGES");
  await image.getByLabel("Records").selectOption("THREAD");
  await expect(image.getByRole("row", { name: /THREAD/ })).toContainText("memwriter");

  // Others see it too, when the guest is gone as well.
  await action(page, "end").click();
  await dialog.getByRole("button", { name: "End" }).click();
  await expect(page.getByTestId("replay")).toBeVisible();
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(url);
  await viewer.getByRole("tab", { name: "Memory" }).click();
  await expect(viewer.getByRole("img", { name: /as in the parent/ }).first()).toBeVisible();
});
