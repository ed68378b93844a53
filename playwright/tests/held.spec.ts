import { expect, type Locator, type Page } from "@playwright/test";
import { action, endIt, expectStep, runFile, test } from "./page.js";

const start = (name: string, workload: string, ready: string, args = "[]") => [
  `  - { kind: start, name: ${name}, workload: ${workload}, args: ${args} }`,
  `  - { kind: wait, target: ${name}, output: "${ready}" }`,
];

/** The row of a descriptor of the process whose card says so. */
const card = (page: Page, command: string) =>
  page.locator("section").filter({ has: page.getByRole("heading", { name: command }) });

test("what processes hold: nameless files, watches, shared descriptions, locks; one is unlinked by a click", async ({
  page,
  browser,
}) => {
  await runFile(
    page,
    [
      "title: Held",
      "steps:",
      "  - kind: boot",
      ...start("holder", "unlinked-holder", "fd 3 inode"),
      ...start("watcher", "watcher", "watches "),
      ...start("nameless", "nameless", "ready"),
      ...start("locks", "locks", "ready"),
      `  - { kind: start, name: deep, command: [sh, -c, 'sh -c "sh -c \\"sleep 1000; true\\"; true"; true'] }`,
    ].join("\n"),
  );
  await expectStep(page, 10, "ok");

  const held = card(page, "unlinked-holder").first().locator("tr").filter({ hasText: "unlinked-holder." });
  await expect(held).toHaveCount(1);
  await expect(held.locator(".tag.unlinked")).toHaveCount(0);
  const inode = await held.locator(".tag").filter({ hasText: "ino " }).textContent();
  await held.hover();
  await held.getByRole("button", { name: "unlink" }).click();
  await page.getByRole("dialog", { name: "Unlink a file" }).getByRole("button", { name: "Unlink" }).click();
  await expectStep(page, 11, "ok");
  await expect(held.locator(".tag.unlinked")).toBeVisible();
  // The same file: only its name is gone.
  await expect(held.locator(".tag").filter({ hasText: "ino " })).toHaveText(inode ?? "");
  await expect(held.getByRole("button", { name: "unlink" })).toHaveCount(0);

  // Children stand below their parents, as deep as the tree is.
  const child = (of: Locator) => of.locator(":scope > ul > li");
  const root = page.locator('li:has(> [data-testid^="process-"])', { hasText: "sleep" }).first();
  await expect(child(child(child(root))).getByRole("heading")).toContainText("sleep");

  // On a phone marks go below one another: none is cut off, and the path can be read.
  await page.setViewportSize({ width: 390, height: 844 });
  const holder = card(page, "unlinked-holder").first();
  // As long as one gets.
  await held.locator(".tag.unlinked").evaluate((tag) => {
    tag.textContent = "unlinked, 2 other links";
  });
  expect(await holder.evaluate((e) => e.scrollWidth - e.clientWidth)).toBeLessThanOrEqual(0);
  expect((await held.locator("td").nth(1).boundingBox())?.width).toBeGreaterThan(110);
  await page.setViewportSize({ width: 1280, height: 800 });

  const watching = card(page, "watcher").first().locator('tr[data-kind="inotify"]');
  await expect(watching.locator(".tag").filter({ hasText: "watch" })).toBeVisible();
  await expect(watching).toContainText(/inotify · \d+ watches/);
  await expect(watching).toContainText(/wd 1 → .*\/renamed/);

  const nameless = page.locator("section").filter({ has: page.getByRole("heading", { name: "nameless" }) });
  await expect(nameless.first().getByRole("row", { name: /^cwd/ }).locator(".tag.unlinked")).toBeVisible();
  await expect(nameless.first().locator('tr[data-kind="fifo"]').first().locator(".tag.unlinked")).toBeVisible();
  const shared = nameless.locator(".tag.shared").filter({ hasText: "shared" });
  await expect(shared.first()).toHaveAttribute("title", /One open file description: fd \d+ of \d+, fd \d+ of \d+/);

  await expect(
    card(page, "locks")
      .first()
      .getByText(/lock POSIX .*WRITE/),
  ).toBeVisible();

  // What one does next is about the latest of them, or about the one that is chosen.
  const on = page.getByLabel("Acts on");
  await expect(on).toHaveValue("deep");
  await on.selectOption("locks");
  await action(page, "kill").click();
  await expectStep(page, 12, "ok");
  await expect(page.getByTestId("step-12")).toContainText("locks");
  await expect(on.locator("option:checked")).toHaveText("locks, not running");
  await expect(card(page, "locks")).toHaveCount(0);
  await expect(action(page, "verify")).toHaveAttribute("title", /locks is not running/);

  // A second viewer sees the same, and can change none of it; so does everybody once it is over, at any moment.
  const viewer = await (await browser.newContext()).newPage();
  await viewer.goto(page.url());
  await expect(viewer.locator("tr").filter({ hasText: "unlinked-holder." }).locator(".tag.unlinked")).toBeVisible();
  await expect(viewer.getByRole("button", { name: "unlink" })).toHaveCount(0);
  await endIt(page);
  await page.getByRole("tab", { name: "Processes" }).click();
  await expect(page.getByText("No process runs.")).toBeVisible();
});
