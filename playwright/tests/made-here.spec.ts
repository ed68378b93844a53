import { expect, type Page, type Request } from "@playwright/test";
import { action, endIt, expectStep, labUrl, runFile, test } from "./page.js";

/** Addresses of experiments that the page asks a server for. */
function askedFor(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (/^\/x\/[A-Za-z0-9]+$/.test(pathname)) asked.push(pathname);
  });
  return asked;
}

test("what a page has made it shows without asking for a page; back and forward lead out of it and in again", async ({
  page,
}) => {
  await page.goto(labUrl());
  const asked = askedFor(page);
  await page.getByRole("button", { name: "Step by step: Unlinked file", exact: true }).click();
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
  const { pathname } = new URL(page.url());
  const title = page.getByRole("heading", { level: 1 });
  await expect(title).toHaveText("Unlinked file");
  await expect(page).toHaveTitle("Unlinked file · crlab");
  await expect(page.getByRole("button", { name: "Run this step" })).toBeVisible();
  expect(asked).toEqual([]);

  await page.goBack();
  await expect(title).toHaveText(/What does checkpoint/);
  await expect(page).toHaveTitle("crlab");
  // The list is as it is now, not as it was before.
  await expect(page.locator(`tbody a[href="${pathname}"]`)).toBeVisible();
  await page.goForward();
  await expect(page.getByRole("button", { name: "Run this step" })).toBeVisible();

  await page.getByRole("button", { name: "Fork" }).click();
  await expect(page).not.toHaveURL(new RegExp(pathname));
  await expect(title).toHaveText("Unlinked file");
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(pathname));
  expect(asked).toEqual([]);

  await page.reload();
  await expect(title).toHaveText("Unlinked file");
  await expect(page.getByRole("button", { name: "Run this step" })).toBeVisible();
  expect(asked).toEqual([pathname]);

  // A page that was loaded anew has forgotten what was made before: it asks.
  await page.goBack();
  await expect(title).toHaveText(/What does checkpoint/);
  await page.reload();
  // Its code is there: before, it is the browser that goes forward, and asks for itself.
  await expect(page.getByText(/^runner · /)).toBeVisible();
  await page.goForward();
  await expect(title).toHaveText("Unlinked file");
  await expect(page.getByRole("button", { name: "Run this step" })).toBeVisible();
  expect(asked).toEqual([pathname, pathname]);
});

test("who moves on the home page has the bench's code before a card is clicked; who only looks loads nothing", async ({
  page,
}) => {
  const asked: string[] = [];
  let there = 0;
  const ofScripts = (tell: (path: string) => void) => (request: Request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith(".js")) tell(pathname);
  };
  page.on(
    "request",
    ofScripts((path) => asked.push(path)),
  );
  page.on(
    "requestfinished",
    ofScripts(() => there++),
  );
  await page.goto(labUrl());
  await page
    .getByText(/^runner · /)
    .first()
    .waitFor();
  await expect.poll(() => there).toBe(asked.length);
  const atFirst = asked.length;
  await page.mouse.move(200, 200);
  await expect.poll(() => asked.length).toBeGreaterThan(atFirst);
  await expect.poll(() => there).toBe(asked.length);
  const ahead = asked.length;
  await page.getByRole("button", { name: "Step by step: Unlinked file", exact: true }).click();
  await page.getByRole("button", { name: "Run this step" }).click();
  await expectStep(page, 1, "ok");
  await action(page, "shell").click();
  await expect(page.locator(".xterm-rows").first()).toContainText("#");
  expect(asked.slice(ahead)).toEqual([]);
});

test("a page that rests loads no code until somebody is there, and a click before that counts", async ({
  browser,
  request,
}) => {
  for (const path of ["/figures", "/"]) {
    const html = await (await request.get(`${labUrl()}${path}`, { headers: { accept: "text/html" } })).text();
    expect(html, path).toContain("data-later");
    // But for what is for browsers that are older than modules.
    expect(html.match(/<script src=/g), path).toHaveLength(1);
    expect(html, path).not.toContain('as="script"');
  }
  const page = await (await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true })).newPage();
  await page.goto(labUrl(), { waitUntil: "commit" });
  await page.getByRole("button", { name: "Step by step: Unlinked file", exact: true }).tap();
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
  await expect(page.getByRole("button", { name: "Run this step" })).toBeVisible();

  // Nobody touches it: somebody reads.
  await page.goto(labUrl());
  await expect(page.getByText(/^runner · /)).toBeVisible();
});

const checkpointed = `title: To look at
steps:
  - kind: boot
  - { kind: start, name: writer, workload: memwriter, args: ["--size", "1"] }
  - { kind: wait, output: pages filled }
  - { kind: checkpoint, name: full }
`;

test("on a phone: a replay plays for a finger that was there before any code; a link to a view leads there, and what was served stays while its code is fetched", async ({
  page,
  browser,
}) => {
  await runFile(page, checkpointed);
  await expectStep(page, 4, "ok");
  await endIt(page);
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true });
  const first = await phone.newPage();
  await first.goto(page.url());
  await first.getByRole("button", { name: "Play replay" }).tap();
  await expect(first.getByRole("button", { name: "Pause replay" })).toBeVisible();
  await first.close();

  const reader = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  await reader.addInitScript(() => {
    let had = false;
    Object.assign(window, { vanished: 0 });
    new MutationObserver(() => {
      const has = document.querySelector('#panel-Inspector [data-testid="chain"]')?.checkVisibility() === true;
      if (had && !has) Object.assign(window, { vanished: Reflect.get(window, "vanished") + 1 });
      had = has;
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  // Parts that are loaded when they are used come late.
  await reader.route(/\/chunks\/\d+\.[^/]*\.js$/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await route.continue();
  });
  await reader.goto(`${page.url()}?show=checkpoints`);
  // Whatever is chosen counts, however early.
  await reader.getByLabel("Records").selectOption("VMA");
  await expect(reader.getByTestId("image").locator("tbody tr").filter({ hasText: "HEADER" })).toHaveCount(0);
  await expect(reader.getByText("connected", { exact: true })).toBeVisible();
  await expect(reader.getByTestId("chain")).toBeInViewport();
  await expect(reader.getByTestId("chain").getByRole("button", { name: "full" })).toHaveAttribute(
    "aria-pressed",
    "true",
  );
  // It can be used by now.
  await reader.getByRole("tab", { name: "Memory" }).click();
  await expect(reader.getByLabel("Checkpoint")).toBeVisible();
  await reader.getByRole("tab", { name: "Checkpoints" }).click();
  await expect(reader.getByTestId("chain")).toBeVisible();
  expect(await reader.evaluate(() => Reflect.get(window, "vanished"))).toBe(1);
});
