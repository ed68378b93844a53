import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { action, bootByHand, endIt, test } from "./page.js";

/** The terminal that is shown, as the text on its screen. */
const screenText = (page: Page) => page.locator(".xterm-rows").first();

async function openShell(page: Page): Promise<void> {
  await action(page, "shell").click();
  await expect(page.getByRole("tab", { name: "shell", selected: true })).toBeVisible();
  await expect(screenText(page)).toContainText("#");
  await page.locator(".xterm-screen").first().click();
}

/** Types a line, and waits for what it prints; the command itself must not contain it. */
async function typeLine(page: Page, line: string, prints: RegExp): Promise<string> {
  await page.keyboard.type(`${line}\n`);
  await expect(screenText(page)).toContainText(prints);
  return (prints.exec(await screenText(page).innerText()) ?? [""])[0];
}

test("what is typed into a shell reaches the guest and comes back; others see it and cannot type", async ({
  page,
  browser,
}) => {
  const url = await bootByHand(page, "Typing");
  await openShell(page);
  await page.keyboard.type("echo $((6*7))-is-the-ans");
  await expect(screenText(page)).toContainText("echo $((6*7))-is-the-ans");
  await page.keyboard.type("wer\n");
  await expect(screenText(page)).toContainText("42-is-the-answer");

  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(url);
  await expect(screenText(viewer)).toContainText("42-is-the-answer");
  await viewer.locator(".xterm-screen").first().click();
  await viewer.keyboard.type("echo $((1+1))-from-a-viewer\n");
  await typeLine(page, "echo $((3+4))-from-the-owner", /7-from-the-owner/);
  await expect(screenText(viewer)).toContainText("7-from-the-owner");
  await expect(screenText(viewer)).not.toContainText("from-a-viewer");

  // Scrollback is kept over a reload, and one can go on.
  await page.reload();
  await expect(screenText(page)).toContainText("42-is-the-answer");
  await page.locator(".xterm-screen").first().click();
  await typeLine(page, "echo $((50+5))-again", /55-again/);
});

test("a shell is closed by its owner: what it has put out is kept, and nobody else can close it", async ({
  page,
  browser,
}) => {
  const url = await bootByHand(page, "Closing");
  await openShell(page);
  await typeLine(page, "echo $((6*7))-is-kept", /42-is-kept/);
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(url);
  await expect(screenText(viewer)).toContainText("42-is-kept");
  await expect(viewer.getByRole("button", { name: "Close shell" })).toHaveCount(0);
  await page.getByRole("button", { name: "Close shell" }).click();
  for (const each of [page, viewer]) {
    await each.getByRole("tab", { name: "shell (closed)" }).click();
    await expect(screenText(each)).toContainText("42-is-kept");
    await expect(each.getByRole("button", { name: "Close shell" })).toHaveCount(0);
  }
});

test("a terminal follows the size of its place on the page", async ({ page }) => {
  await bootByHand(page, "Sizes");
  await openShell(page);
  const columns = async (mark: string) => {
    const line = await typeLine(page, `echo ${mark}=$(stty size | cut -d' ' -f2)=`, new RegExp(`${mark}=\\d+=`));
    return Number(/\d+/.exec(line)?.[0]);
  };
  // What is written into the last column is not under the scrollbar.
  const edges = await page.evaluate(() => {
    const right = (selector: string) => document.querySelector(selector)?.getBoundingClientRect().right ?? 0;
    return { text: right(".xterm-screen"), place: right(".xterm") };
  });
  expect(edges.text).toBeGreaterThan(0);
  expect(edges.text).toBeLessThanOrEqual(edges.place - 10);
  const before = await columns("one");
  // What programs are written for, in the window of a small desk.
  expect(before).toBeGreaterThanOrEqual(80);
  const separator = page.getByRole("separator", { name: "Width of the inspector" });
  for (let i = 0; i < 8; i++) await separator.press("ArrowLeft");
  await page.locator(".xterm-screen").first().click();
  const after = await columns("two");
  // 8 times 16 px at about 8 px a character.
  expect(before - after).toBeGreaterThanOrEqual(10);
  await page.setViewportSize({ width: 1600, height: 900 });
  await page.locator(".xterm-screen").first().click();
  await expect(async () => expect(await columns(`m${Date.now() % 100000}`)).toBeGreaterThan(after)).toPass();
});

test("the serial console is a tab beside the others", async ({ page }) => {
  await bootByHand(page, "Serial");
  await page.getByRole("tab", { name: "serial" }).click();
  const serial = page.getByTestId("terminal-serial");
  await expect(serial).toContainText(/random: crng|Linux version/);
  await openShell(page);
  await page.keyboard.type("echo a-line-for-the-$((40+2))th-time > /dev/kmsg\n");
  await page.getByRole("tab", { name: "serial" }).click();
  await expect(serial).toContainText("a-line-for-the-42th-time");
  await action(page, "end").click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await expect(page.getByTestId("replay")).toBeVisible();
  await page.getByRole("tab", { name: "serial" }).click();
  await expect(serial).toContainText("a-line-for-the-42th-time");
  await page.getByRole("slider", { name: "Moment of the experiment" }).fill("1");
  await expect(page.getByRole("tab", { name: "serial" })).toHaveCount(0);
});

test("text is found on a terminal, far above what is shown, while it runs and afterwards", async ({ page }) => {
  await bootByHand(page, "Finding");
  await openShell(page);
  // What was typed has the 1400, too: the one waited for comes after the line before.
  await typeLine(page, "seq 1001 1400", /13991400/);
  await expect(screenText(page)).not.toContainText("1123");
  await page.keyboard.press("Control+Shift+F");
  const field = page.getByRole("textbox", { name: "Find on this terminal" });
  await expect(field).toBeFocused();
  const found = page.getByTestId("found");
  await page.keyboard.type("1123");
  await expect(found).toHaveText("1 of 1");
  await expect(screenText(page)).toContainText("1123");
  // Of several, Enter goes to the one before, from where one is.
  await field.fill("11");
  await expect(found).toHaveText(/^\d+ of 1\d\d$/);
  const [at = 0, count] = (await found.innerText()).split(" of ").map(Number);
  expect(at).toBeGreaterThan(1);
  await page.keyboard.press("Enter");
  await expect(found).toHaveText(`${at - 1} of ${count}`);
  await page.keyboard.press("Shift+Enter");
  await expect(found).toHaveText(`${at} of ${count}`);
  await field.fill("nowhere");
  await expect(found).toHaveText("not there");
  await page.keyboard.press("Escape");
  await expect(field).toHaveCount(0);
  await typeLine(page, "echo $((6*7))-goes-on", /42-goes-on/);

  await endIt(page);
  await page.getByRole("button", { name: "Find" }).click();
  await field.fill("1123");
  await expect(found).toHaveText("1 of 1");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});
