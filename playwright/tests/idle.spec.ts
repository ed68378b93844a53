import { expect } from "@playwright/test";
import { startLab, type TestLab } from "../lab.js";
import { action, bootByHand, endIt, expectStep, storedOutput, test, verdict } from "./page.js";

let lab: TestLab;
test.beforeAll(async () => {
  lab = await startLab({ env: { CRLAB_SUSPEND_MIN: "0.05", CRLAB_MAX_GUESTS: "1" } });
});
test.afterAll(() => lab.stop());

test("a guest that nobody watches stands still, and goes on where it was when somebody comes back; whoever finds no room waits for it", async ({
  page,
  browser,
}) => {
  const url = await bootByHand(page, "Left alone", lab.url);
  await action(page, "start").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Workload").selectOption("");
  await dialog.getByLabel(/^Command/).fill("sh -c 'n=0; while sleep 0.2; do n=$((n+1)); echo beat=$n=; done'");
  await dialog.getByRole("button", { name: "Start" }).click();
  await expectStep(page, 2, "ok");
  await expect(page.locator(".xterm-rows").first()).toContainText("beat=3=");
  const stored = await storedOutput(page, url);
  /** How far it has counted. */
  const beats = async (): Promise<number> => Number([...(await stored()).matchAll(/beat=(\d+)=/g)].at(-1)?.[1]);

  // Whoever looks keeps it awake; nobody is left when its page is.
  await page.goto(`${lab.url}/guests`);
  const row = page.locator(`[data-guest="${url.split("/").at(-1)}"]`);
  await expect(row).toContainText("suspended");
  const [age, cpu] = [row.locator("td").nth(3), row.locator("td").nth(4)];
  const [cpuBefore, beatsBefore, ageBefore] = [await cpu.innerText(), await beats(), await age.innerText()];
  expect(beatsBefore).toBeGreaterThanOrEqual(3);
  // The page has asked again, and time has passed for it alone.
  await expect(age).not.toHaveText(ageBefore);
  expect(await cpu.innerText()).toBe(cpuBefore);
  expect(await beats()).toBe(beatsBefore);

  await page.goto(url);
  await expect.poll(beats).toBeGreaterThan(beatsBefore + 2);
  await expect(page.locator(".xterm-rows").first()).toContainText(`beat=${beatsBefore + 1}=`);
  await expect(page.getByText(/stands still/)).toHaveCount(0);
  // It is whole: it does what it is told.
  await action(page, "run").click();
  await dialog.getByLabel(/^Command/).fill("true");
  await dialog.getByRole("button", { name: "Run" }).click();
  await expectStep(page, 3, "ok");

  // There is room for no other: it waits in sight, and comes up by itself once there is.
  const other = await (await browser.newContext()).newPage();
  await other.goto(`${lab.url}/new`);
  await other.getByLabel("Title").fill("Comes second");
  await other.getByRole("button", { name: "Boot guest" }).click();
  await expect(other.getByTestId("queue")).toContainText("All guests are in use: this one waits, and is next.");
  await expect(verdict(other)).toHaveText("queued");
  await other.getByTestId("queue").getByRole("link", { name: "Who runs?" }).click();
  const waiting = other.locator("[data-guest]").filter({ hasText: "Comes second" });
  await expect(waiting).toContainText("queued");
  // Nothing of it is old yet, and nothing will end.
  for (const column of [3, 7]) await expect(waiting.locator("td").nth(column)).toHaveText("–");
  await waiting.getByRole("link", { name: "Comes second" }).click();
  await expect(other.getByTestId("queue")).toBeVisible();
  await endIt(page);
  await expectStep(other, 1, "ok");
  await expect(other.getByTestId("queue")).toHaveCount(0);
});
