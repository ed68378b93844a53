import { expect } from "@playwright/test";
import { FIRST_LOAD_BYTES, firstLoad } from "../first-load.js";
import { bootByHand, endIt, labUrl, test } from "./page.js";

test("home and a share page load at most 150 KB of JavaScript before they are used", async ({ page, browser }) => {
  const share = await bootByHand(page, "Light to look at");
  await endIt(page);
  for (const address of [labUrl(), share]) {
    const { bytes, files } = await firstLoad(browser, address);
    expect(files.length).toBeGreaterThan(3);
    expect(bytes, `${address}\n${files.join("\n")}`).toBeLessThanOrEqual(FIRST_LOAD_BYTES);
  }
});
