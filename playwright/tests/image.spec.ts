import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Locator, type Page } from "@playwright/test";
import { action, endIt, expectStep, runFile, test } from "./page.js";

const file = [
  "title: Images",
  "steps:",
  "  - kind: boot",
  "  - { kind: start, name: writer, workload: memwriter, args: ['--size', '4', '--rate', '100'] }",
  "  - { kind: wait, output: pages rewritten }",
  "  - { kind: checkpoint, name: full }",
  "  - { kind: wait, output: pages rewritten }",
  "  - { kind: checkpoint, name: one, mode: incremental }",
  "  - { kind: wait, output: pages rewritten }",
  "  - { kind: checkpoint, name: two, mode: incremental }",
  "  - { kind: checkpoint, name: again }",
].join("\n");

/** How many cells of a canvas differ from the one at its upper left corner. */
const drawn = (page: Page, testId: string) =>
  page.getByTestId(testId).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
    const colours = new Set<number>();
    for (let i = 0; i < data.length; i += 4)
      colours.add(((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0));
    return colours.size;
  });

/** How a part of a page is laid out, whatever its size. */
const styleOf = (part: Locator) =>
  part.evaluate((element) =>
    [element, ...element.children].map((e) => {
      const { display, padding, borderTopWidth, fontSize, gap } = getComputedStyle(e);
      return { tag: e.tagName, display, padding, borderTopWidth, fontSize, gap };
    }),
  );

test("a chain's images: graph, records, difference, map of pages, heat map, charts, and a link to each", async ({
  page,
  browser,
}) => {
  await runFile(page, file);
  await expectStep(page, 9, "ok");

  await page.getByRole("tab", { name: "Checkpoints" }).click();
  const chain = page.getByTestId("chain");
  await expect(chain.locator("tbody tr")).toHaveCount(4);
  await chain.getByRole("button", { name: "full" }).click();
  await page.getByRole("button", { name: "Open the image of full" }).click();
  const image = page.getByTestId("image");
  await expect(image).toContainText("Image of full");
  await expect(image).toContainText("whole");
  await expect(image.locator("tbody tr").first()).toContainText("HEADER");
  await image.getByLabel("Records").selectOption("VMA");
  await expect(image.locator("tbody tr").filter({ hasText: "HEADER" })).toHaveCount(0);
  await expect(image.locator("tbody tr").first()).toContainText("memwriter");
  await image.getByLabel("Search").fill("anon");
  await expect(image.locator("tbody tr").filter({ hasText: "memwriter" })).toHaveCount(0);
  await expect(image.locator("tbody tr").filter({ hasText: "anon" }).first()).toBeVisible();
  await image.getByLabel("Search").fill("");
  await image.getByLabel("Mappings").selectOption("file");
  await image.getByLabel("Protection").selectOption("r-x");
  await expect(image.locator("tbody tr").first()).toContainText("r-x");
  await expect(image.locator("tbody tr").filter({ hasNotText: "r-x" })).toHaveCount(0);
  await image.getByLabel("Mappings").selectOption("");
  await image.getByLabel("Protection").selectOption("");
  await image.getByLabel("Search").fill("no such thing");
  await expect(image).toContainText("No record");

  await image.getByLabel("Compare with").selectOption("two");
  await page.getByRole("button", { name: "Open the image of two" }).click();
  const difference = page.getByTestId("difference");
  await expect(difference.locator("tbody tr").first()).toBeVisible();
  await expect(difference).toContainText(/PAGES/);
  await expect(page).toHaveURL(/show=checkpoints&checkpoint=full&with=two$/);
  const [compared, differs] = [page.url(), await difference.innerText()];

  await page.getByRole("tab", { name: "Memory" }).click();
  await page
    .getByRole("tabpanel", { name: "Memory" })
    .getByLabel(/^Checkpoint/)
    .selectOption("two");
  await expect(page.locator('[data-testid^="space-"]').getByRole("img").first()).toBeVisible();
  // As long as images are not read, how much was written is not known.
  await expect(page.getByTestId("heat").getByRole("heading")).not.toContainText(" of ");
  await page.getByRole("button", { name: /image of this chain|images of this chain/ }).click();
  const heat = page.getByTestId("heat-canvas");
  await expect(heat).toBeVisible();
  await expect(heat).toHaveAttribute("aria-label", /^[1-9]\d* of [1-9]\d* pages were written/);
  await expect(async () => expect(await drawn(page, "heat-canvas")).toBeGreaterThanOrEqual(4)).toPass();
  await heat.focus();
  const whole = Number(await heat.getAttribute("data-scale"));
  await page.keyboard.press("+");
  await expect(async () => expect(Number(await heat.getAttribute("data-scale"))).toBeGreaterThan(whole)).toPass();
  await expect(page.getByTestId("heat").getByRole("status")).toContainText(/^0x[0-9a-f]+ /);
  await page.keyboard.press("0");
  await expect(async () => expect(Number(await heat.getAttribute("data-scale"))).toBe(whole)).toPass();

  // The address says what is looked at: another browser sees the same, read from the log.
  await page.getByTestId("heat").getByLabel("Since").selectOption("one");
  await expect(page).toHaveURL(/show=memory&checkpoint=two&with=one$/);
  const viewer = await (await browser.newContext({ colorScheme: "dark" })).newPage();
  await viewer.goto(page.url());
  await expect(viewer.getByTestId("heat-canvas")).toHaveAttribute(
    "aria-label",
    (await heat.getAttribute("aria-label")) ?? "",
  );
  expect((await new AxeBuilder({ page: viewer }).analyze()).violations).toEqual([]);

  await page.getByRole("tab", { name: "Charts" }).click();
  await expect(page.getByTestId("chart-pause")).toHaveAttribute("aria-label", /frozen: .+ms/);
  await expect(page.getByTestId("chart-speed-writer")).toBeVisible();
  await expect(page.getByTestId("chart-pause").locator("canvas")).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  // What was opened stays readable when its guest is gone; a link to a moment shows that moment.
  await endIt(page);
  await page.getByRole("slider", { name: "Moment of the experiment" }).fill("1");
  await expect(page).toHaveURL(/[?&]t=0\.001/);
  await page.reload();
  await expect(page.getByRole("slider", { name: "Moment of the experiment" })).toHaveValue("1");
  await expect(page.getByText("Charts begin with the first step")).toBeVisible();
  await page.goto(compared);
  await expect(page.getByTestId("image")).toContainText("Image of full");
  expect(await difference.innerText()).toBe(differs);

  // Without any code it looks as it does with: what is served has its style with it.
  const served = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  for (const [tab, testId] of [
    ["memory", "heat"],
    ["charts", "chart-pause"],
  ] as const) {
    for (const one of [page, served]) await one.goto(`${page.url().split("?")[0]}?show=${tab}&checkpoint=two`);
    await expect(page.getByTestId(testId).locator("canvas").first()).toBeVisible();
    expect(await styleOf(served.getByTestId(testId))).toEqual(await styleOf(page.getByTestId(testId)));
  }
});

test("another process than the latest comes back from its checkpoint; what is in an image outlives its guest, though nobody opened it", async ({
  page,
}) => {
  await runFile(
    page,
    [
      "title: Unopened",
      "steps:",
      "  - kind: boot",
      "  - { kind: start, name: earlier, workload: counter }",
      "  - { kind: checkpoint, name: first }",
      "  - { kind: checkpoint, name: second, mode: incremental, kill: true }",
      "  - { kind: start, name: later, workload: counter }",
    ].join("\n"),
  );
  await expectStep(page, 5, "ok");
  const actsOn = page.getByLabel("Acts on");
  await expect(actsOn).toHaveValue("later");
  await page.getByRole("tab", { name: "Checkpoints" }).click();
  await page.getByRole("button", { name: "Restore from second" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Checkpoint")).toHaveValue("second");
  await dialog.getByRole("button", { name: "Restore" }).click();
  await expectStep(page, 6, "ok");
  await expect(actsOn).toHaveValue("earlier");
  await expect(actsOn.locator("option", { hasText: "earlier, pid" })).toHaveCount(1);
  // It runs: there is nothing to restore any more.
  await expect(page.getByRole("button", { name: "Restore from second" })).toHaveCount(0);
  await endIt(page);
  await page.getByRole("tab", { name: "Memory" }).click();
  await expect(page.locator('[data-testid^="space-"]').first()).toBeVisible();
  await expect(page.getByTestId("heat-canvas")).toBeVisible();
});

test("an error of restart leads to the object and the byte of the image that it is about", async ({
  page,
  browser,
}) => {
  await runFile(
    page,
    [
      "title: A damaged image",
      "steps:",
      "  - kind: boot",
      "  - { kind: start, workload: counter }",
      "  - { kind: wait, output: count }",
      "  - { kind: checkpoint, name: whole, live: true }",
      "  - { kind: checkpoint, name: first, kill: true }",
      // A userfaultfd (323).
      '  - { kind: start, name: faults, command: [python3, -uc, "import ctypes, time; print(ctypes.CDLL(None).syscall(323, 0)); time.sleep(1e6)"] }',
      '  - { kind: wait, output: "^3" }',
      "  - { kind: checkpoint, name: refused }",
    ].join("\n"),
  );
  await expectStep(page, 8, "failed");
  // What refuses leads to the descriptor that it speaks of.
  await page.getByRole("tab", { name: "Report" }).click();
  await page
    .getByTestId("step-8")
    .getByRole("link", { name: /^fd 3 of \d+$/ })
    .click();
  const row = page.getByRole("tabpanel", { name: "Processes" }).getByRole("row").filter({ hasText: "refused" });
  await expect(row).toContainText("has no checkpoint method");

  await expect(page.getByTestId("step-4")).toContainText("live");
  await page.getByTestId("step-4").locator("summary").click();
  await expect(page.getByTestId("step-4")).toContainText("--live");
  await page.getByRole("tab", { name: "Checkpoints" }).click();
  await page.getByTestId("chain").getByRole("button", { name: "first" }).click();
  await page.getByRole("button", { name: "Open the image of first" }).click();
  const image = page.getByTestId("image");
  const header = image.locator("tbody tr").first();
  await expect(header).toContainText("HEADER");
  await header.getByRole("button", { name: "0x0" }).click();
  await image.getByRole("button", { name: "Show its bytes" }).click();
  await expect(page.getByTestId("bytes")).toContainText(/^0x0 +([0-9a-f]{2} ){8}/);
  // What they say, and from a process to its descriptors, and to what one of them leads to.
  const fields = page.getByTestId("fields");
  await expect(fields).toContainText(/release\s*6\.12\./);
  await image.getByLabel("Records").selectOption("PROCESS");
  await image.locator("tbody tr").first().getByRole("button").click();
  await image.getByRole("button", { name: "Show its bytes" }).click();
  await fields
    .locator("dd")
    .filter({ hasText: /FILES \d+ descriptors/ })
    .getByRole("button")
    .click();
  await expect(image.getByLabel("Records")).toHaveValue("");
  await expect(image.locator('tr[data-open="true"]')).toContainText("FILES");
  await image.getByRole("button", { name: "Show its bytes" }).click();
  await expect(fields).toContainText(/fd 1 · cloexec 0 · file #\d+ FILE tty \/dev\/pts\/\d/);
  // All of it, and nothing of the record after it.
  const size = Number(await image.locator('tr[data-open="true"] td').last().innerText());
  const shown = await page.getByTestId("bytes").innerText();
  expect(
    shown.split("\n").flatMap(
      (line) =>
        line
          .slice(10)
          .match(/^([0-9a-f]{2} )+/)?.[0]
          .trim()
          .split(" ") ?? [],
    ),
  ).toHaveLength(size);

  // Its end is cut off.
  await action(page, "run").click();
  await page.getByRole("dialog").getByLabel("Command").fill("truncate -s -64 /ckpt/first");
  await page.getByRole("dialog").getByRole("button", { name: "Run" }).click();
  await expectStep(page, 9, "ok");
  await page.getByRole("button", { name: "Restore from first" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
  await expectStep(page, 10, "failed");

  await page.getByRole("tab", { name: "Kernel log" }).click();
  const said = page.getByTestId("errors");
  await expect(said).toContainText("image offset");
  await said.getByRole("link", { name: /^0x[0-9a-f]+ of first: [A-Z]/ }).click();
  await expect(page).toHaveURL(/show=checkpoints&checkpoint=first&at=0x[0-9a-f]+$/);
  await expect(image.locator('tr[data-open="true"]')).toBeInViewport();
  await image.getByRole("button", { name: "Show its bytes" }).click();
  await expect(page.getByTestId("bytes")).toBeVisible();

  // Who follows the link from the step sees the same, and when the guest is gone, too.
  await endIt(page);
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(page.url().split("?")[0] ?? "");
  await viewer
    .getByTestId("step-10")
    .getByRole("link", { name: /of first/ })
    .click();
  await expect(viewer.getByTestId("bytes")).toHaveText((await page.getByTestId("bytes").textContent()) ?? "");
  await viewer.getByTestId("image").locator("tbody tr").first().getByRole("button", { name: "0x0" }).click();
  await expect(viewer.getByTestId("bytes")).toContainText(/^0x0 /);
  expect((await new AxeBuilder({ page: viewer }).analyze()).violations).toEqual([]);
});
