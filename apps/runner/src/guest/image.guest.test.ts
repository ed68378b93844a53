/** What the kernel wrote, told by its own tool in the guest and by the reader in TypeScript: both must say the same. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readImage } from "@crlab/shared/image";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataDir, ensureImage, ensureKernel } from "../build/index.js";
import { makeDir } from "../build/paths.js";
import { bootGuest, type Guest } from "./guest.js";

let guest: Guest;
let dir: string;

beforeAll(async () => {
  const quiet = () => undefined;
  const kernel = await ensureKernel("cr", quiet);
  const image = await ensureImage(quiet);
  dir = mkdtempSync(join(makeDir(dataDir("guests")), "image-test-"));
  guest = await bootGuest({ kernel, image, memMiB: 512, cpus: 2, accel: "auto", dir });
});

afterAll(async () => {
  await guest?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs a shell script in the guest; fails with what it said. */
async function sh(script: string): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await guest.exec(["sh", "-ec", script]);
  expect(exitCode, stderr.toString()).toBe(0);
  return stdout;
}

/** Starts a workload apart from the agent's own files, waits until it is ready, and gives its pid. */
async function start(command: string): Promise<number> {
  const pid = await sh(
    `setsid ${command} </dev/null >/tmp/workload.out 2>&1 & pid=$!
     until grep -q ready /tmp/workload.out; do sleep 0.1; done; echo $pid`,
  );
  return Number(pid.toString());
}

async function bothSides(path: string) {
  const listed: unknown = JSON.parse((await sh(`ckptinfo --json ${path}`)).toString());
  return { listed, read: readImage(await guest.readFile(path)) };
}

describe("an image that the kernel wrote", () => {
  it.each([
    ["memory", "memwriter --size 4"],
    ["processes and pipes", "proctree --processes 9"],
    ["threads", "threads --threads 5"],
    ["an unlinked file", "unlinked-holder --unlink --size 1"],
    ["locks", "locks"],
    ["watches and unread events", "watcher --act"],
  ])("is told alike by both readers: %s", async (_, command) => {
    const pid = await start(command);
    await sh(`checkpoint -o /ckpt/full.img ${pid}; checkpoint -o /ckpt/next.img --parent /ckpt/full.img --kill ${pid}`);
    for (const path of ["/ckpt/full.img", "/ckpt/next.img"]) {
      const { listed, read } = await bothSides(path);
      expect(read.problem).toBeNull();
      const { records, complete, problem, totals } = read;
      expect(listed).toMatchObject({ complete, problem, totals });
      // As JSON, for both sides have been through doubles.
      expect(listed).toHaveProperty("records", JSON.parse(JSON.stringify(records)));
    }
    expect(readImage(await guest.readFile("/ckpt/next.img")).records[0]).toHaveProperty(
      "parentId",
      readImage(await guest.readFile("/ckpt/full.img")).records[0]?.imageId,
    );
  });

  it("is found truncated by both, at the same byte", async () => {
    await sh("head -c 5000 /ckpt/full.img > /ckpt/short.img");
    const { exitCode, stdout } = await guest.exec(["ckptinfo", "--json", "/ckpt/short.img"]);
    const listed: unknown = JSON.parse(stdout.toString());
    const { problem, complete } = readImage(await guest.readFile("/ckpt/short.img"));
    expect({ exitCode, complete }).toEqual({ exitCode: 1, complete: false });
    expect(listed).toMatchObject({ complete: false, problem: { offset: problem?.offset } });
  });
});
