import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import sharp from "sharp";
import { labUrl, prefetched, test } from "./page.js";

const swept = [
  "title: Swept here",
  "question: Does what a command answers depend on the guest's memory?",
  "memMiB: 256",
  "steps:",
  "  - kind: boot",
  // Less than 300 MiB of memory is too little for it.
  "  - { kind: run, command: [sh, -c, 'test $(awk \"/MemTotal/{print \\$2}\" /proc/meminfo) -gt 300000'] }",
  "sweep:",
  "  repeats: 2",
  "  over: { memMiB: [256, 512] }",
].join("\n");

test("a file with a grid is run at every point; outcomes that change stand first", async ({
  page,
  browser,
  request,
}) => {
  await page.goto(`${labUrl()}/new`);
  await page.getByLabel("Experiment file").fill(swept);
  await page.getByRole("button", { name: "Run file" }).click();
  await page.waitForURL(/\/s\/[A-Za-z0-9]+$/);
  const url = page.url();
  const asked = prefetched(page);

  // Somebody else may watch, and not stop it.
  const other = await (await browser.newContext()).newPage();
  await other.goto(url);
  await expect(other.getByTestId("sweep-status")).toHaveText(/running|done/);
  await expect(other.getByRole("button", { name: "Stop" })).toHaveCount(0);
  await other.context().close();

  await expect(page.getByTestId("sweep-status")).toHaveText("done", { timeout: 150_000 });
  // What is drawn is what the field says, whatever was the first figure to come in.
  await expect(async () => {
    const figure = await page.getByLabel("Figure").locator("option:checked").textContent();
    await expect(page.getByRole("heading", { name: figure ?? "", exact: true })).toBeVisible({ timeout: 1000 });
  }).toPass();
  await expect(page.getByTestId("sweep-done")).toHaveText("4 of 4 runs");
  const first = page.getByTestId("changes").locator("tbody tr").first();
  await expect(first).toContainText("memMiB 256 → 512");
  await expect(first).toContainText("all fail, then all pass");
  await expect(page.getByTestId("environment")).toContainText(/6\.12\.\d+-cr .*QEMU \d.*(TCG|KVM)/);
  const points = page.getByTestId("points").locator("tbody tr");
  await expect(points).toHaveCount(2);
  await expect(points.first()).toContainText("0 of 2 ok");
  await expect(points.last()).toContainText("2 of 2 ok");

  const csv = await (await request.get(`${url}/csv`)).text();
  const lines = csv.trim().split("\r\n");
  expect(lines).toHaveLength(5);
  expect(lines[0]).toMatch(/^memMiB,repeat,experiment,verdict/);
  const report = await (await request.get(`${url}/report`)).text();
  expect(report).toContain("memMiB 256 -> 512: all fail, then all pass");
  expect(Math.max(...report.split("\n").map((line) => line.length))).toBeLessThanOrEqual(72);

  // Each dot says what it stands for, and how long runs take is known by now.
  await expect(page.getByTestId("sweep-charts").locator("title").first()).toHaveText(/^memMiB \d+: \d/);
  await expect(page.getByTestId("sweep-left")).toHaveCount(0);

  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);

  for (const table of ["changes", "points"])
    expect(await page.getByTestId(table).evaluate((e) => e.scrollWidth)).toBeLessThanOrEqual(390);

  const picture = await page.locator('meta[property="og:image"]').getAttribute("content");
  const shown = await request.get(picture ?? "");
  expect(shown.headers()["content-type"]).toBe("image/png");
  const { width, height } = await sharp(await shown.body()).metadata();
  expect([width, height]).toEqual([1200, 630]);
  expect((await request.get(`${labUrl()}/s/nothinghere1/preview`)).status()).toBe(404);

  // Each run is an experiment with a link, and asked for by whoever follows it.
  await points.last().locator("summary").click();
  await expect(points.last().getByRole("link").first()).toBeVisible();
  await page.goto(`${labUrl()}/sweeps`);
  await expect(page.getByTestId("sweeps").getByRole("link").first()).toBeVisible();
  expect(asked).toEqual([]);
  await page.goBack();
  await points.last().locator("summary").click();
  await points.last().getByRole("link").first().click();
  await expect(page.getByText("Verdict: PASS")).toBeVisible();

  // What one has is repeated: how far do its figures spread?
  await page.getByRole("link", { name: "Repeat …" }).click();
  const form = page.getByRole("form", { name: "New sweep" });
  await expect(form.getByLabel("Experiment").locator("option:checked")).toHaveText("Swept here: memMiB 512");
  await form.getByLabel("Repeats").fill("2");
  await form.getByRole("button", { name: "Run sweep" }).click();
  await page.waitForURL(/\/s\/[A-Za-z0-9]+$/);
  await expect(page.getByTestId("sweep-status")).toHaveText("done", { timeout: 150_000 });
  await expect(page.getByRole("heading", { name: "Figures of 2 runs" })).toBeVisible();
  await expect(page.getByTestId("spreads").locator("tbody tr").first()).toContainText(/( ms| s)/);
  await expect(page).toHaveTitle(/Swept here/);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  // Its file is the beginning of another one.
  await page.goto(url);
  await page.getByRole("link", { name: "Edit" }).click();
  await expect(page.locator(".cm-content")).toContainText("memMiB:");
  await expect(page.locator(".cm-content")).toContainText("sweep:");
});

test("a sweep is composed on its page, stopped, and gone on with", async ({ page }) => {
  await page.goto(`${labUrl()}/sweeps`);
  const form = page.getByRole("form", { name: "New sweep" });
  await form.getByLabel("Experiment").selectOption({ label: "Only what changed" });
  // To run the same once is no sweep; to repeat it says how far its figures spread.
  await expect(form.getByRole("status")).toContainText("Nothing is varied");
  await form.getByLabel("Repeats").fill("1");
  await expect(form.getByRole("button", { name: "Run sweep" })).toBeDisabled();
  await form.getByLabel("scan").check();
  await form.getByLabel("wp").check();
  await form.getByLabel("--rate").fill("100 x100 100");
  await expect(form.getByRole("alert")).toContainText("twice");
  await form.getByLabel("--rate").fill("100, 400");
  await form.getByLabel("Repeats").fill("1");
  await expect(form.getByRole("status")).toHaveText(/^4 runs, one after the other: about \d+ (s|min)\.$/);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await form.getByRole("button", { name: "Run sweep" }).click();
  await page.waitForURL(/\/s\/[A-Za-z0-9]+$/);
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByTestId("sweep-status")).toHaveText("stopped");
  await page.reload();
  await expect(page.getByTestId("sweep-status")).toHaveText("stopped");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByTestId("sweep-status")).toHaveText("running");
  await expect(page.getByRole("link", { name: "Watch the run" })).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByTestId("sweep-status")).toHaveText("stopped");
  await page.goto(`${labUrl()}/sweeps`);
  await expect(page.getByTestId("sweeps")).toContainText("Only what changed");
});
