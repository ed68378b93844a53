import { request as httpRequest } from "node:http";
import { expect, type Page } from "@playwright/test";
import { startLab } from "../lab.js";
import { labUrl, runCard, test } from "./page.js";

/** Asks for a WebSocket as a page of the console itself would; answers the status. */
function upgrade(url: string, cookie: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...{ connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", origin: url },
      ...{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", ...(cookie === "" ? {} : { cookie }) },
    };
    const call = httpRequest(`${url}/ws`, { headers });
    call.on("response", (answer) => resolve(answer.resume().statusCode ?? 0));
    call.on("upgrade", (answer, socket) => {
      socket.destroy();
      resolve(answer.statusCode ?? 0);
    });
    call.on("error", reject);
    call.end();
  });
}

test("a console that others can reach asks for its token: pages, files, WebSockets", async ({ browser }) => {
  const lab = await startLab({ host: "0.0.0.0", env: { CRLAB_SPARE_GUESTS: "0" } });
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    for (const path of ["/", "/new", "/x/doesnotexist", "/session", "/icon.svg"])
      expect((await context.request.get(`${lab.url}${path}`)).status(), path).toBe(401);
    expect((await context.request.post(`${lab.url}/session`)).status()).toBe(401);
    expect(await upgrade(lab.url, "")).toBe(401);
    expect(await upgrade(lab.url, "crlab_access=AAAA")).toBe(401);

    await page.goto(`${lab.url}/guests`);
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Enter" }).click();
    await expect(page.getByRole("alert")).toContainText("not this console's token");
    await page.getByLabel("Token").fill(lab.token);
    await page.getByRole("button", { name: "Enter" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/What does checkpoint/);
    // The page's own connection is let in.
    await expect(page.getByText(/runner · \d+ guest/)).toBeVisible();

    // The printed address is enough, and the token does not stay in it.
    const invited = await browser.newContext();
    const second = await invited.newPage();
    await second.goto(`${lab.url}/guests?token=${lab.token}`);
    await expect(second).toHaveURL(`${lab.url}/guests`);
    const [cookie] = (await invited.cookies()).filter((c) => c.name === "crlab_access");
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
    expect(cookie?.value).not.toContain(lab.token);
    expect(await upgrade(lab.url, `crlab_access=${cookie?.value}`)).toBe(101);

    // Who guesses is slowed down, even with the right one at last.
    for (let i = 0; i < 12; i++) await page.request.get(`${lab.url}/?token=guess${i}`, { headers: { cookie: "" } });
    const stranger = await browser.newContext();
    expect((await stranger.request.get(`${lab.url}/?token=${lab.token}`)).status()).toBe(429);
    // … and who is in stays in.
    expect((await invited.request.get(`${lab.url}/guests`)).status()).toBe(200);
  } finally {
    await lab.stop();
  }
});

/** Notes what the page's policy refused, from the first byte on. */
async function refusals(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(window, { refusedByPolicy: seen });
    document.addEventListener("securitypolicyviolation", (e) =>
      seen.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`),
    );
  });
  return () => page.evaluate(() => Reflect.get(window, "refusedByPolicy"));
}

test("nothing inline is allowed, and no page needs it", async ({ page }) => {
  const refused = await refusals(page);
  for (const path of ["/", "/new", "/guests", "/figures", "/compare", "/x/doesnotexist"]) {
    const answer = await page.goto(`${labUrl()}${path}`);
    const policy = answer?.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("style-src 'self' 'nonce-");
    expect(policy).not.toContain("unsafe");
    await expect(page.getByText(/runner · \d+ guest|There is no such page/)).toBeVisible();
    expect(await refused(), path).toEqual([]);
  }
});

test("terminals, charts, maps and zones live under the policy, colours included", async ({ page }) => {
  const refused = await refusals(page);
  await runCard(page, "Only what changed");
  await expect(page.locator('[data-testid="step-14"]')).toHaveAttribute("data-state", "ok", { timeout: 120_000 });
  for (const tab of ["Memory", "Checkpoints", "Charts", "Kernel log", "Report"])
    await page.getByRole("tab", { name: tab }).click();
  await page.getByRole("separator", { name: "Width of the inspector" }).press("ArrowLeft");
  const width = await page.locator("#inspector").evaluate((e) => e.clientWidth);
  await page.reload();
  await expect.poll(() => page.locator("#inspector").evaluate((e) => e.clientWidth)).toBe(width);
  expect(await refused()).toEqual([]);

  await page.locator('[data-action="shell"]').click();
  await expect(page.locator(".xterm-rows")).toContainText("#");
  await page.locator(".xterm-helper-textarea").focus();
  await page.keyboard.type("printf '\\033[38;2;1;200;3m%s\\033[0m\\n' gre''en\n");
  const green = page.locator(".xterm-rows span", { hasText: /^green$/ });
  await expect(green).toHaveCSS("color", "rgb(1, 200, 3)");
  expect(await refused()).toEqual([]);
});
