/** What several tests do with a page. */
import { once } from "node:events";
import { serverMessage } from "@crlab/shared";
import { test as anyTest, type BrowserContext, expect, type Page } from "@playwright/test";
import { WebSocket } from "ws";
import { z } from "zod";

function fromSetup(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run through playwright.config.ts`);
  return value;
}
export const labUrl = (): string => fromSetup("CRLAB_TEST_URL");
/** Where the lab keeps what it keeps. */
export const labData = (): string => fromSetup("CRLAB_TEST_DATA");

/** Whatever a test started ends with it, however it ended: the next one finds the lab's room free. */
export const test = anyTest.extend<{ room: undefined }>({
  room: [
    // Whoever names `context` is done before it is closed.
    async ({ context: _, browser }, use) => {
      await use(undefined);
      for (const context of browser.contexts()) await endGuestsOf(context);
    },
    { auto: true },
  ],
});

async function endGuestsOf(context: BrowserContext): Promise<void> {
  const cookie = (await context.cookies(labUrl())).map(({ name, value }) => `${name}=${value}`).join("; ");
  if (cookie === "") return;
  const socket = new WebSocket(`${labUrl().replace("http", "ws")}/ws`, { headers: { cookie, origin: labUrl() } });
  await once(socket, "open");
  const answers = new Map<number, (message: ReturnType<typeof serverMessage.parse>) => void>();
  socket.on("message", (data) => {
    const message = serverMessage.parse(JSON.parse(String(data)));
    if (message.type === "reply") answers.get(message.id)?.(message);
    if (message.type === "error" && message.id !== null) answers.get(message.id)?.(message);
  });
  const ask = (request: { type: string; experiment?: string }) =>
    new Promise<ReturnType<typeof serverMessage.parse>>((resolve) => {
      const id = answers.size + 1;
      answers.set(id, resolve);
      socket.send(JSON.stringify({ id, ...request }));
    });
  const list = await ask({ type: "guests" });
  const mine = list.type === "reply" ? (list.guests ?? []).filter((guest) => guest.mine) : [];
  await Promise.all(mine.map(({ experiment }) => ask({ type: "end", experiment })));
  socket.close();
}

/** What a page asks for in case somebody goes there. */
export function prefetched(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => {
    if ("next-router-prefetch" in request.headers()) asked.push(new URL(request.url()).pathname);
  });
  return asked;
}

/** One click on a card; answers the new experiment's address. */
export async function runCard(page: Page, title: string): Promise<string> {
  await page.goto(labUrl());
  await page.getByRole("button", { name: `Run: ${title}`, exact: true }).click();
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
  return page.url();
}

/** A new experiment by hand, with its guest up. */
export async function bootByHand(page: Page, title: string, url = labUrl()): Promise<string> {
  await page.goto(`${url}/new`);
  await page.getByLabel("Title").fill(title);
  await page.getByRole("button", { name: "Boot guest" }).click();
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
  await expectStep(page, 1, "ok");
  return page.url();
}

const chunks = z.array(z.object({ data: z.string() }));

/** What the first terminal of the experiment at `url` has put out, from the store: to ask so is not to watch. */
export async function storedOutput(page: Page, url: string): Promise<() => Promise<string>> {
  const name = await page.locator('[data-testid^="terminal-"]').first().getAttribute("data-testid");
  return async () => {
    const answer = await page.request.get(`${url}/terminal/${name?.split("-").at(-1)}`);
    const parts = chunks.parse(await answer.json());
    return parts.map(({ data }) => Buffer.from(data, "base64").toString("utf8")).join("");
  };
}

export async function expectStep(page: Page, stepNo: number, state: "ok" | "failed"): Promise<void> {
  const step = page.getByTestId(`step-${stepNo}`);
  const stopped = page.getByTestId("plan-stopped");
  await expect(step.and(page.locator(":not([data-state=running])")).or(stopped).first()).toBeVisible({
    timeout: 90_000,
  });
  // After that only what is done by hand can come.
  const [why] = await stopped.allInnerTexts();
  if (why !== undefined) await expect(step, `step ${stepNo}: ${why}`).toBeAttached();
  await expect(step).toHaveAttribute("data-state", /^(ok|failed|interrupted)$/, { timeout: 90_000 });
  if ((await step.getAttribute("data-state")) !== state) throw new Error(`step ${stepNo}: ${await step.textContent()}`);
}

export const action = (page: Page, id: string) => page.locator(`[data-action="${id}"]`);
export const verdict = (page: Page) => page.getByTestId("verdict");

export async function endIt(page: Page): Promise<void> {
  await action(page, "end").click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await expect(page.getByTestId("replay")).toBeVisible();
}

/** Makes an experiment of a file, through the page that takes one. */
export async function runFile(page: Page, yaml: string, url = labUrl()): Promise<void> {
  await page.goto(`${url}/new`);
  // A draft that comes between what fill() selects and what it types would stand before that.
  await page.locator(".cm-content").waitFor();
  await page.getByLabel("Experiment file").fill(yaml);
  await page.getByRole("button", { name: "Run file" }).click();
  await page.waitForURL(/\/x\/[A-Za-z0-9]+$/);
}
