import { expect, type Page } from "@playwright/test";
import sharp from "sharp";
import { bootByHand, endIt, labUrl, test, verdict } from "./page.js";

const passes = [0x7b, 0xd7, 0xa5] as const;
const invalid = [0xe0, 0xac, 0x4f] as const;

/** The picture that the page names to those who show links, and of how many points it is drawn in a colour. */
async function picture(page: Page): Promise<{ size: string; points: (colour: readonly number[]) => number }> {
  const address = await page.locator('meta[property="og:image"]').getAttribute("content");
  const answer = await page.request.get(address ?? "");
  expect(answer.status()).toBe(200);
  expect(answer.headers()["content-type"]).toBe("image/png");
  const { data, info } = await sharp(await answer.body())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const points = (colour: readonly number[]) => {
    let found = 0;
    for (let at = 0; at < data.length; at += 3) if (colour.every((c, i) => data[at + i] === c)) found++;
    return found;
  };
  return { size: `${info.width} x ${info.height}`, points };
}

test("a link's preview is a picture that says how it ended, and whether it counts", async ({ page }) => {
  const url = await bootByHand(page, "Shown in a mail: “ünlinked” → 文");
  await endIt(page);
  await expect(verdict(page)).toHaveText("pass");
  await page.goto(url);
  const before = await picture(page);
  expect(before.size).toBe("1200 x 630");
  expect(before.points(passes)).toBeGreaterThan(100);
  expect(before.points(invalid)).toBe(0);

  await page.getByRole("button", { name: "Mark invalid" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("the host was busy");
  await page.getByRole("dialog").getByRole("button", { name: "Mark" }).click();
  await expect(page.getByTestId("invalid")).toContainText("the host was busy");
  await page.reload();
  const after = await picture(page);
  expect(after.points(invalid)).toBeGreaterThan(100);
  expect(after.points(passes)).toBe(0);

  expect((await page.request.get(`${labUrl()}/x/nothinghere1/preview`)).status()).toBe(404);
});
