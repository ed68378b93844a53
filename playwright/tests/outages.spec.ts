import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { wayTo } from "../cut.js";
import { startLab, type TestLab } from "../lab.js";
import { action, bootByHand, expectStep, labUrl, test, verdict } from "./page.js";

test("the network is cut in the middle of a terminal's output: the page says so, goes on by itself, and nothing is lost or doubled", async ({
  page,
}) => {
  const way = await wayTo(labUrl());
  try {
    await bootByHand(page, "Cut", way.url);
    await action(page, "shell").click();
    const rows = page.locator(".xterm-rows").first();
    await expect(rows).toContainText("#");
    await page.locator(".xterm-screen").first().click();
    // All of it stays on the screen.
    await page.keyboard.type("clear; for i in $(seq 1 150); do printf ,%s $i; sleep 0.06; done; echo ,end\n");
    await expect(rows).toContainText(",20,");
    for (let times = 0; times < 2; times++) {
      way.cut();
      await expect(page.getByTestId("runner-away")).toBeVisible();
      await expect(page.getByTestId("cut-off")).toContainText("what is typed now goes nowhere");
      // What is asked for meanwhile is refused by name, not lost in silence.
      await page.getByTestId("steps").click();
      await page.keyboard.press("t");
      await expect(page.getByRole("alert").filter({ hasText: "no connection to the runner" })).toBeVisible();
      way.mend();
      await expect(page.getByTestId("runner-away")).toHaveCount(0);
      await expect(page.getByTestId("cut-off")).toHaveCount(0);
    }
    await expect(rows).toContainText(",end", { timeout: 120_000 });
    const counted = (await rows.innerText()).replace(/\n/g, "").match(/(,\d+)+,end/)?.[0];
    expect(counted).toBe(`,${Array.from({ length: 150 }, (_, i) => i + 1).join(",")},end`);
    // One may type and drive again.
    await page.locator(".xterm-helper-textarea").first().focus();
    await page.keyboard.type("echo $((6*7))-again\n");
    await expect(rows).toContainText("42-again");
    await action(page, "run").click();
    await page
      .getByRole("dialog")
      .getByLabel(/^Command/)
      .fill("true");
    await page.getByRole("dialog").getByRole("button", { name: "Run" }).click();
    await expectStep(page, 2, "ok");
  } finally {
    await way.close();
  }
});

test("the runner is away: a page that comes meanwhile shows what was kept, and tells nobody that they only watch", async ({
  page,
}) => {
  const lab = await startLab({ env: { CRLAB_SPARE_GUESTS: "0" } });
  try {
    await bootByHand(page, "Away", lab.url);
    await action(page, "shell").click();
    const rows = page.locator(".xterm-rows").first();
    await expect(rows).toContainText("#");
    await page.locator(".xterm-screen").first().click();
    await page.keyboard.type("echo $((6*7))-was-kept\n");
    await expect(rows).toContainText("42-was-kept");
    // What somebody has seen is kept, however soon after.
    await lab.killRunner();
    await page.reload();
    await expect(page.getByTestId("runner-away")).toBeVisible();
    // What the terminal had put out is there, and why there is no more.
    await expect(rows).toContainText("42-was-kept");
    const why = page.getByTestId("cut-off");
    await expect(why).toContainText("this is what was put out until then");
    // It hides nothing of it.
    const line = await rows.getByText("42-was-kept").boundingBox();
    expect((await why.boundingBox())?.y).toBeGreaterThan((line?.y ?? 0) + (line?.height ?? 0));
    await expect(page.getByTestId("runner-away").locator("code")).toHaveText("npm start");
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await expect(page.getByText("What one can do here is known when the runner is back.")).toBeVisible();
    await expect(page.getByText(/You watch/)).toHaveCount(0);
    await lab.startRunner();
    // Its guest went with the runner.
    await expect(page.getByTestId("verdict")).toHaveText("interrupted");
    await expect(page.getByText("42-was-kept").first()).toBeVisible();
    await expect(page.getByTestId("runner-away")).toHaveCount(0);
  } finally {
    await lab.stop();
  }
});

/** Takes all the room there is where the lab keeps its log. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (;;) writeSync(file, Buffer.alloc(64 * 1024));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  } finally {
    closeSync(file);
  }
}

test("the disk is full: every page says so at once and offers nothing that cannot work, until there is room again", async ({
  page,
}) => {
  const disk = mkdtempSync(join(tmpdir(), "crlab-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "crlab-test", disk]);
  let lab: TestLab | undefined;
  try {
    const data = join(disk, "data");
    mkdirSync(data);
    lab = await startLab({ data, env: { CRLAB_SPARE_GUESTS: "0" } });
    const url = await bootByHand(page, "Full", lab.url);
    await action(page, "shell").click();
    await expect(page.locator(".xterm-rows").first()).toContainText("#");
    await page.locator(".xterm-screen").first().click();
    const filler = join(disk, "filler");
    fill(filler);
    await page.keyboard.type("echo $((6*7))-was-too-much\n");
    const trouble = page.getByTestId("runner-trouble");
    const saysSo = async () => {
      await expect(trouble).toContainText("is full");
      await expect(trouble).toContainText("free some space");
      await expect(verdict(page)).toHaveText("interrupted");
      await expect(page.getByText("guest 1 stopped")).toBeVisible();
      await expect(page.getByTestId("actions")).toHaveCount(0);
      await expect(page.getByText(/You watch/)).toHaveCount(0);
      for (const name of ["Fork", "Run again"])
        await expect(page.getByRole("button", { name, exact: true })).toHaveAttribute("aria-disabled", "true");
    };
    await saysSo();
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.reload();
    await saysSo();
    await page.goto(lab.url);
    await page.mouse.move(100, 100);
    await expect(trouble).toContainText("is full");
    rmSync(filler);
    await expect(trouble).toHaveCount(0);
    await page.goto(url);
    await expect(verdict(page)).toHaveText("interrupted");
    await expect(page.getByText(/^the log could not be written: .* is full/)).toBeVisible();
  } finally {
    await lab?.stop();
    execFileSync("umount", [disk]);
    rmdirSync(disk);
  }
});

const swept = [
  "title: Swept through a crash",
  "steps:",
  "  - kind: boot",
  "  - { kind: run, command: [sleep, '2'] }",
  "sweep: { repeats: 2, over: { memMiB: [256, 512] } }",
].join("\n");

interface Process {
  pid: number;
  parent: number;
  name: string;
}

function processes(): Process[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,comm="], { encoding: "utf8" }).trim().split("\n");
  return lines.map((line) => {
    const [pid, parent, name = ""] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), name };
  });
}

/** The virtual machines that a process, or one it has started, has started. */
function machinesOf(pid: number): number[] {
  const all = processes();
  const below = (parent: number): Process[] =>
    all.filter((p) => p.parent === parent).flatMap((p) => [p, ...below(p.pid)]);
  return below(pid)
    .filter((p) => p.name.startsWith("qemu"))
    .map((p) => p.pid);
}

test("the runner is killed in the middle of a sweep: whoever starts it again gets the rest, each run once", async ({
  page,
}) => {
  const lab = await startLab({ env: { CRLAB_SPARE_GUESTS: "1" } });
  try {
    await page.goto(`${lab.url}/guests`);
    await expect(page.getByTestId("spares").locator("tbody tr")).toHaveCount(1, { timeout: 240_000 });
    await page.goto(`${lab.url}/new`);
    await page.getByLabel("Experiment file").fill(swept);
    await page.getByRole("button", { name: "Run file" }).click();
    await page.waitForURL(/\/s\/[A-Za-z0-9]+$/);
    const done = page.getByTestId("sweep-done");
    await expect(done).toHaveText("1 of 4 runs", { timeout: 120_000 });
    await expect(page.getByRole("link", { name: "Watch the run" })).toBeVisible();
    // The run's, and the one that stands by: a sweep boots its own.
    await expect.poll(() => machinesOf(lab.runnerPid()).length).toBe(2);
    const left = machinesOf(lab.runnerPid());
    await lab.killRunner();
    await expect(page.getByTestId("runner-away")).toBeVisible();
    // Its guests went with it.
    await expect.poll(() => processes().filter((p) => left.includes(p.pid))).toEqual([]);
    // What was measured is still there to be read.
    await page.reload();
    await expect(done).toHaveText("1 of 4 runs");
    await lab.startRunner();
    await expect(page.getByTestId("sweep-status")).toHaveText("done", { timeout: 180_000 });
    await expect(done).toHaveText("4 of 4 runs");
    await expect(page.getByText(/^1 run was cut short/)).toBeVisible();
    const csv = await (await page.request.get(`${page.url()}/csv`)).text();
    const runs = csv
      .trim()
      .split("\r\n")
      .slice(1)
      .map((line) => line.split(",").slice(0, 4));
    expect(runs.map(([memMiB, repeat]) => `${memMiB} ${repeat}`).sort()).toEqual(["256 1", "256 2", "512 1", "512 2"]);
    expect(new Set(runs.map(([, , experiment]) => experiment)).size).toBe(4);
    expect(runs.map(([, , , verdict]) => verdict)).toEqual(Array(4).fill("pass"));
  } finally {
    await lab.stop();
  }
});
