import { dirname } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { type LogEvent, manifest } from "@crlab/shared";
import { expect } from "@playwright/test";
import { openStore } from "../../apps/runner/src/store/index.js";
import { startLab } from "../lab.js";
import { test } from "./page.js";

/** As long as one may be, without a place to break it. */
const LONG = "Number 60 ".padEnd(120, "W");

/** Experiments as a lab has them that is in use for a while: the first is the oldest. */
async function fill(database: string): Promise<void> {
  const store = await openStore(dirname(database), "a test");
  for (let i = 1; i <= 60; i++) {
    const created: LogEvent = {
      ...{ seq: 1, atMs: 0, type: "experiment.created", logVersion: 1, title: i === 60 ? LONG : `Number ${i}` },
      manifest: manifest.parse({ kernel: i % 20 === 0 ? "mine" : "cr" }),
      plan: [{ kind: "boot" }],
      createdAt: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
    };
    const verdict = i % 2 === 0 ? "pass" : "fail";
    const ended: LogEvent = { seq: 2, atMs: 1000, type: "experiment.ended", verdict, reason: "a test" };
    await store.append(`number${String(i).padStart(4, "0")}`, [created, ended], "nobody");
  }
  await store.close();
}

test("all experiments there are can be gone through, and found by kernel and verdict", async ({ page }) => {
  const lab = await startLab({ env: { CRLAB_SPARE_GUESTS: "0" }, prepare: fill });
  try {
    await page.goto(lab.url);
    const rows = page.getByRole("form", { name: "Compare" }).locator("tbody tr");
    const pages = page.getByRole("navigation", { name: "Pages of the list" });
    await expect(rows).toHaveCount(25);
    await expect(rows.first()).toContainText("Number 60");
    await expect(pages).toContainText("1 to 25 of 60");
    // However long a title is, what else is said of its experiment is in sight.
    const { pathname } = new URL((await rows.first().getByRole("link").getAttribute("href")) ?? "", lab.url);
    for (const width of [1280, 390])
      for (const path of ["/", pathname, `/compare?x=${pathname.split("/").at(-1)}&x=number0059&x=number0058`]) {
        await page.setViewportSize({ width, height: 800 });
        await page.goto(`${lab.url}${path}`);
        await expect(page.getByText(LONG).first()).toBeVisible();
        const wide = await page
          .locator("html, form[aria-label=Compare] > table, [data-testid=comparison]")
          .evaluateAll((all) => all.map((e) => e.scrollWidth - (e.parentElement?.clientWidth ?? innerWidth)));
        expect(Math.max(...wide), `${path} at ${width}`).toBeLessThanOrEqual(0);
      }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(lab.url);
    await expect(pages.getByRole("link", { name: "Newer" })).toHaveCount(0);
    await pages.getByRole("link", { name: "Older" }).click();
    await expect(rows.first()).toContainText("Number 35");
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await pages.getByRole("link", { name: "Older" }).click();
    await expect(pages).toContainText("51 to 60 of 60");
    await expect(rows).toHaveCount(10);
    await expect(pages.getByRole("link", { name: "Older" })).toHaveCount(0);
    await page.reload();
    await expect(rows.last()).toContainText("Number 1");

    const search = page.getByLabel("Search experiments");
    await search.fill("mine");
    await search.press("Enter");
    await expect(rows).toHaveCount(3);
    await expect(pages).toHaveCount(0);
    await search.fill("number fail");
    await search.press("Enter");
    await expect(pages).toContainText("1 to 25 of 30");
    await pages.getByRole("link", { name: "Older" }).click();
    await expect(rows).toHaveCount(5);
    await expect(page).toHaveURL(/q=number\+fail&page=2$/);
    await page.goto(`${lab.url}/?page=99`);
    await expect(page.getByText("There are not so many.").first()).toBeVisible();
  } finally {
    await lab.stop();
  }
});
