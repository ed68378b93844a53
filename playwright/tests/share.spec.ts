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

  await reader.getByRole("slider", { name: "Moment of the experiment" }).press("Home");
  await expect(step).toHaveCount(0);
  await reader.getByRole("slider", { name: "Moment of the experiment" }).press("End");
  await expect(step).toContainText("first · ");
  expect(await isReact()).toBe(true);
});
