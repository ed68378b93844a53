import { expect } from "@playwright/test";
import { endIt, expectStep, runFile, test } from "./page.js";

test("a share page is served once, left as it is until somebody moves through it, and then knows all", async ({
  page,
  browser,
  request,
}) => {
  await runFile(
    page,
    [
      "title: Served once",
      "steps:",
      "  - kind: boot",
      "  - { kind: start, workload: counter }",
      "  - { kind: checkpoint, name: first }",
    ].join("\n"),
  );
  await expectStep(page, 3, "ok");
  await endIt(page);

  // What is drawn is text of the page, and not told again to those who would draw it; nor is the log.
  const html = await (await request.get(page.url())).text();
  expect(html.match(/step-3/g)).toHaveLength(1);
  expect(html).toContain("Verdict: PASS");
  expect(html.match(/Verdict: PASS/g)).toHaveLength(1);
  expect(html).not.toContain("step.started");

  const reader = await (await browser.newContext()).newPage();
  await reader.goto(page.url());
  await expect(reader.getByText("connected", { exact: true })).toBeVisible();
  const step = reader.getByTestId("step-3");
  const isReact = () => step.evaluate((e) => Object.keys(e).some((key) => key.startsWith("__react")));
  expect(await isReact()).toBe(false);
  await expect(step).toContainText("first · ");

  // What is in the images comes with whoever asks for it.
  await reader.getByRole("tab", { name: "Checkpoints" }).click();
  await expect(reader.getByTestId("image").locator("tbody tr").first()).toBeVisible();
  await reader.getByRole("tab", { name: "Report" }).click();
  await expect(reader.getByText("Verdict: PASS")).toBeVisible();

  // Each step leads to the moment after it, back and forth; what came later stays in sight, as such.
  const moment = reader.getByRole("slider", { name: "Moment of the experiment" });
  const list = reader.getByTestId("steps");
  await reader.getByTestId("step-1").getByRole("link", { name: "all as it was after this step" }).click();
  await expect(reader).toHaveURL(/[?&]t=[\d.]+/);
  await expect(reader.getByTestId("step-1")).toHaveAttribute("data-state", "ok");
  await expect(step).toHaveCount(0);
  await expect(list.locator('[data-state="later"]')).toHaveCount(2);
  await expect(list.locator('[data-state="later"]').last()).toContainText("Checkpoint · full");
  const early = Number(await moment.inputValue());
  await list.locator('[data-state="later"]').first().getByRole("link").click();
  await expect(reader.getByTestId("step-2")).toHaveAttribute("data-state", "ok");
  expect(Number(await moment.inputValue())).toBeGreaterThan(early);

  await reader.getByRole("slider", { name: "Moment of the experiment" }).press("Home");
  await expect(step).toHaveCount(0);
  await reader.getByRole("slider", { name: "Moment of the experiment" }).press("End");
  await expect(step).toContainText("first · ");
  expect(await isReact()).toBe(true);

  // A terminal that one has chosen is part of what the address says.
  const serial = reader.getByRole("tab", { name: "serial" });
  await serial.click();
  await expect(reader).toHaveURL(/[?&]terminal=serial/);
  await reader.reload();
  await expect(serial).toHaveAttribute("aria-selected", "true");
  await expect(reader.getByTestId("last-screen")).toContainText(/\w/);

  // Copied, and ready for the next.
  await reader.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const share = reader.getByRole("button", { name: /^(Share|Copied)/ });
  const wide = (await share.boundingBox())?.width;
  await share.click();
  await expect(share).toContainText("Copied");
  expect((await share.boundingBox())?.width).toBe(wide);
  expect(await reader.evaluate(() => navigator.clipboard.readText())).toContain(new URL(page.url()).pathname);
  await expect(share).toContainText("Share");
});
