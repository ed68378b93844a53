import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { action, bootByHand, endIt, expectStep, labUrl, test } from "./page.js";

/** Counts, and judges itself as the lab's own workloads do. */
const script = `#!/bin/bash
echo "mine: began as $0"
trap 'echo "verify: ok $n counted"' USR1
for ((n = 0; ; n++)); do echo "mine: $n $*"; sleep 0.2 & wait $!; done
`;

async function chooseOwn(page: Page) {
  await action(page, "start").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Workload").selectOption({ label: "Your program …" });
  return dialog;
}

test("a script of one's own runs in the guest, is checkpointed and comes back; others can run it again by the link", async ({
  page,
  browser,
}) => {
  const url = await bootByHand(page, "With a program of my own");
  const dialog = await chooseOwn(page);
  await dialog.getByLabel(/static x86-64 program/).setInputFiles({
    name: "../../$(reboot) my script.sh",
    mimeType: "text/plain",
    buffer: Buffer.from(script),
  });
  await dialog.getByLabel("Arguments").fill("--fast 7");
  expect((await new AxeBuilder({ page }).include("dialog").analyze()).violations).toEqual([]);
  await dialog.getByRole("button", { name: "Start" }).click();
  await expectStep(page, 2, "ok");
  await action(page, "verify").click();
  await expectStep(page, 3, "ok");
  await action(page, "checkpointFull").click();
  await page.getByRole("dialog").getByLabel("The processes").selectOption("kill");
  await page.getByRole("dialog").getByRole("button", { name: "Checkpoint" }).click();
  await expectStep(page, 4, "ok");
  await action(page, "restore").click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
  await expectStep(page, 5, "ok");
  await action(page, "verify").click();
  await expectStep(page, 6, "ok");

  // It is offered again, to this browser alone.
  const again = await chooseOwn(page);
  await expect(again.locator("[name=program]")).toContainText("reboot__my_script.sh");
  await page.keyboard.press("Escape");
  await endIt(page);

  const other = await (await browser.newContext()).newPage();
  await other.goto(url);
  await other.getByRole("button", { name: "Run again" }).click();
  await expect(other).not.toHaveURL(url);
  await expectStep(other, 6, "ok");
  const theirs = await chooseOwn(other);
  await expect(theirs.locator("[name=program]")).toHaveCount(0);
  await other.keyboard.press("Escape");
  await endIt(other);
});

test("a directory comes as tar; what cannot be taken is refused by name", async ({ page, request }) => {
  const dir = mkdtempSync(join(tmpdir(), "crlab-own-"));
  try {
    mkdirSync(join(dir, "tree/bin"), { recursive: true });
    writeFileSync(join(dir, "tree/bin/start"), "#!/bin/sh\necho found: $(cat $(dirname $0)/../words)\nsleep 1000\n", {
      mode: 0o755,
    });
    writeFileSync(join(dir, "tree/words"), "beside it\n");
    execFileSync("tar", ["-czf", join(dir, "tree.tar.gz"), "-C", join(dir, "tree"), "."]);
    await bootByHand(page, "With a directory of my own");
    const dialog = await chooseOwn(page);
    await dialog
      .getByLabel(/static x86-64 program/)
      .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
    await dialog.getByRole("button", { name: "Start" }).click();
    await expect(dialog.getByRole("alert")).toContainText("neither an ELF program");
    await dialog
      .getByLabel(/static x86-64 program/)
      .setInputFiles({ name: "ls", mimeType: "", buffer: Buffer.from(execFileSync("cat", ["/bin/ls"])) });
    await dialog.getByRole("button", { name: "Start" }).click();
    await expect(dialog.getByRole("alert")).toContainText("linked dynamically");
    await dialog.getByLabel(/static x86-64 program/).setInputFiles(join(dir, "tree.tar.gz"));
    await dialog.getByLabel("Which file in it").fill("../../bin/sh");
    await dialog.getByRole("button", { name: "Start" }).click();
    await expect(dialog.getByRole("alert")).toContainText("without ..");
    await dialog.getByLabel("Which file in it").fill("bin/start");
    await dialog.getByRole("button", { name: "Start" }).click();
    await expectStep(page, 2, "ok");
    await expect(page.getByText("found: beside it")).toBeVisible();
    await endIt(page);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  // Only the console's own pages may upload.
  const foreign = await request.post(`${labUrl()}/upload?name=x`, {
    headers: { origin: "http://evil.example" },
    data: script,
  });
  expect(foreign.status()).toBe(403);
});
