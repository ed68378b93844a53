import { readFile } from "node:fs/promises";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { startLab } from "../lab.js";
import { action, bootByHand, endIt, labUrl, test, verdict } from "./page.js";

test("a result is marked invalid by its owner, named, downloaded, and taken in again as it was", async ({
  page,
  browser,
}) => {
  const url = await bootByHand(page, "To be kept");
  await endIt(page);
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(url);
  await expect(verdict(viewer)).toHaveText("pass");
  await expect(viewer.getByRole("button", { name: "Copy as plain-text report" })).toBeVisible();
  await expect(viewer.getByRole("button", { name: "Mark invalid" })).toHaveCount(0);

  await page.getByRole("button", { name: "Mark invalid" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("the host was busy");
  await page.getByRole("dialog").getByRole("button", { name: "Mark" }).click();
  // Whoever looks already is told at once; the report says so, too.
  for (const each of [page, viewer]) {
    await expect(verdict(each)).toHaveText("invalid");
    await expect(each.getByTestId("invalid")).toContainText("the host was busy");
  }
  await expect(page.getByText("INVALID: the host was busy")).toBeVisible();
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("dialog").getByLabel("Title").fill("Kept under another name");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(viewer.getByRole("heading", { level: 1 })).toHaveText("Kept under another name");

  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download JSON" }).click();
  const path = await (await downloading).path();
  const links: string[] = [];
  for (let i = 0; i < 2; i++) {
    await viewer.goto(`${labUrl()}/new`);
    const chooser = viewer.getByLabel("A file that “Download JSON” made");
    await expect(chooser).toBeEnabled();
    await chooser.setInputFiles(path);
    await viewer.waitForURL(/\/x\/[A-Za-z0-9]{12}/);
    await expect(verdict(viewer)).toHaveText("invalid");
    await expect(viewer.getByRole("heading", { level: 1 })).toHaveText("Kept under another name");
    links.push(new URL(viewer.url()).pathname);
  }
  // The link is made of the contents: the same file has the same link.
  expect(links[0]).toBe(links[1]);

  await viewer.goto(`${labUrl()}/new`);
  const chooser = viewer.getByLabel("A file that “Download JSON” made");
  await expect(chooser).toBeEnabled();
  await chooser.setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from('{"format":"no"}') });
  await expect(viewer.getByRole("alert").filter({ hasText: "no experiment that a lab wrote" })).toBeVisible();
  const changed = (await readFile(path, "utf8")).replace("To be kept", "To be forged");
  await chooser.setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from(changed) });
  await expect(viewer.getByRole("alert").filter({ hasText: "the log in this file was changed" })).toBeVisible();
  const foreign = await page.request.post(`${labUrl()}/import`, {
    headers: { origin: "http://evil.example" },
    data: "{}",
  });
  expect(foreign.status()).toBe(403);
});

test("every guest that runs is listed with its age and cost; its owner stops it", async ({ page, browser }) => {
  const url = await bootByHand(page, "Listed");
  await expect(page.getByTestId("expiry")).toContainText(/expires in \d+ min/);
  const other = await (await browser.newContext()).newPage();
  await other.goto(`${labUrl()}/guests`);
  const row = (at: typeof page) => at.locator(`[data-guest="${url.split("/").at(-1)}"]`);
  await expect(row(other)).toContainText("Listed");
  await expect(row(other)).toContainText(/MiB/);
  await expect(row(other).getByRole("button")).toHaveCount(0);
  expect((await new AxeBuilder({ page: other }).analyze()).violations).toEqual([]);
  await page.goto(`${labUrl()}/guests`);
  await row(page).getByRole("button", { name: "Keep Listed" }).click();
  // To stop it is to end its experiment: one is asked first.
  await row(page).getByRole("button", { name: "Stop Listed" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(row(page)).toHaveCount(1);
  await row(page).getByRole("button", { name: "Stop Listed" }).click();
  await page.getByRole("dialog", { name: "Stop Listed" }).getByRole("button", { name: "Stop" }).click();
  await expect(row(page)).toHaveCount(0);
  await expect(row(other)).toHaveCount(0);
});

test("an experiment takes a guest that stands by, and another takes its place", async ({ page }) => {
  // Where others are busy, none is made.
  const lab = await startLab();
  try {
    await page.goto(`${lab.url}/guests`);
    const spares = page.getByTestId("spares").locator("tbody tr");
    await expect(spares).toHaveCount(2, { timeout: 240_000 });
    await expect(spares.first()).toContainText(/spare.*cr · 2 CPU · 512 MiB/);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await bootByHand(page, "Takes a spare", lab.url);
    await expect(page.getByTestId("step-1")).toContainText("stood by");
    await action(page, "shell").click();
    await expect(page.locator(".xterm-rows").first()).toContainText("#");
    // Its time went on where it was stopped, and its clock is right.
    await page.keyboard.type("echo $(( $(date +%s) / 1000 ))-thousand\n");
    await expect(page.locator(".xterm-rows").first()).toContainText(`${Math.floor(Date.now() / 1_000_000)}-thousand`);
    await page.goto(`${lab.url}/guests`);
    await expect(spares).toHaveCount(2, { timeout: 60_000 });
  } finally {
    await lab.stop();
  }
});
