/** Pictures of every page, from a real run: `npm run screenshots`. The best one becomes docs/screenshot.png. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { startLab } from "./lab.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = join(here, "screenshots");
const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const lab = await startLab();
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  try {
    const owner = await (await browser.newContext({ viewport: sizes.wide, colorScheme: "dark" })).newPage();
    await owner.goto(lab.url);
    await owner.getByRole("button", { name: "Run: Unlinked file" }).click();
    await owner.waitForURL(/\/x\//);
    const url = owner.url();
    await owner.locator('[data-kind="restore"][data-state="ok"]').first().waitFor({ timeout: 120_000 });
    await owner.screenshot({ path: join(folder, "live-wide-dark.png") });
    await owner.locator('[data-testid="step-15"][data-state="ok"]').waitFor({ timeout: 120_000 });
    await owner.locator('[data-action="end"]').click();
    await owner.getByRole("dialog").getByRole("button", { name: "End" }).click();
    await owner.getByTestId("replay").waitFor({ timeout: 120_000 });
    for (const [size, viewport] of Object.entries(sizes)) {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await (await browser.newContext({ viewport, colorScheme })).newPage();
        const take = (name: string) =>
          page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: size === "phone" });
        await page.goto(lab.url, { waitUntil: "load" });
        await take("home");
        await page.goto(`${lab.url}/new`, { waitUntil: "load" });
        await take("new");
        await page.goto(`${lab.url}/guests`, { waitUntil: "load" });
        await page.getByTestId("guests").waitFor();
        await take("guests");
        await page.goto(`${lab.url}/compare?x=${url.split("/").at(-1)?.split("?")[0]}`, { waitUntil: "load" });
        await take("compare");
        await page.goto(url, { waitUntil: "load" });
        await page.locator(".xterm-rows").first().waitFor();
        await take("report");
        await page.getByRole("tab", { name: "Checkpoints" }).click();
        await take("checkpoints");
        await page.getByRole("tab", { name: "Charts" }).click();
        await page.locator(".u-wrap").first().waitFor();
        await take("charts");
        await page.context().close();
      }
    }
    copyFileSync(join(folder, "live-wide-dark.png"), join(here, "../docs/screenshot.png"));
  } finally {
    await browser.close();
    await lab.stop();
  }
}

await main();
