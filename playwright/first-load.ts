/** What a first visit of a page costs in JavaScript, as gzip would send it. */
import { gzipSync } from "node:zlib";
import type { Browser } from "@playwright/test";

/** "at most 150 KB". */
export const FIRST_LOAD_BYTES = 150_000;

/** A page asks for what it needs as it comes to life, which is before it is connected; this is for stragglers. */
const STRAGGLERS_MS = 3000;

/** Everything that the page fetches by itself. */
export async function firstLoad(browser: Browser, address: string): Promise<{ bytes: number; files: string[] }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const scripts: Promise<{ file: string; bytes: number }>[] = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (!pathname.endsWith(".js")) return;
    const file = pathname.split("/chunks/").at(-1) ?? pathname;
    scripts.push(response.body().then((body) => ({ file, bytes: gzipSync(body).length })));
  });
  await page.goto(address, { waitUntil: "load" });
  await page
    .getByText(/^connected$|^runner · \d+ guest/)
    .first()
    .waitFor({ timeout: 60_000 });
  await page.waitForTimeout(STRAGGLERS_MS);
  const loaded = await Promise.all(scripts);
  await context.close();
  return {
    bytes: loaded.reduce((sum, { bytes }) => sum + bytes, 0),
    files: loaded.sort((a, b) => b.bytes - a.bytes).map(({ file, bytes }) => `${file} ${bytes}`),
  };
}
