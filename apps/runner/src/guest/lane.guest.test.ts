/** Bulk data to and from a real guest. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureImage, ensureKernel } from "../build/index.js";
import { bootGuest, type Guest } from "./guest.js";
import { LANE_BYTES } from "./lane.js";

const dir = mkdtempSync(join(tmpdir(), "crlab-lane-guest-"));
let guest: Guest;

beforeAll(async () => {
  const kernel = await ensureKernel("base", () => undefined);
  const image = await ensureImage(() => undefined);
  guest = await bootGuest({ kernel, image, memMiB: 256, cpus: 2, accel: "auto", dir: join(dir, "guest") });
});
afterAll(async () => {
  await guest?.discard();
  rmSync(dir, { recursive: true, force: true });
});

async function* pieces(bytes: Buffer, ...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const sum = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("the lane", () => {
  it("takes bytes there and back unharmed, more than it holds", async () => {
    const bytes = randomBytes(LANE_BYTES + 1234567);
    expect(await guest.lane.write("/dev/shm/bulk", pieces(bytes, 700_001, 1, 4096))).toMatchObject({ exitCode: 0 });
    const back: Buffer[] = [];
    let ended = 0;
    const { exitCode, stdout, stderr } = await guest.lane.run(
      ["sh", "-c", "echo word >&2; cat /dev/shm/bulk; exit 7"],
      {
        onBytes: (part) => void back.push(part),
        onEnd: () => void ended++,
      },
    );
    expect([exitCode, stdout.length, stderr.toString(), ended]).toEqual([7, 0, "word\n", 1]);
    expect(sum(Buffer.concat(back))).toBe(sum(bytes));
  });

  it("takes nothing, too", async () => {
    expect(await guest.lane.write("/dev/shm/empty", pieces(Buffer.alloc(0), 1))).toMatchObject({ exitCode: 0 });
    let bytes = 0;
    const { exitCode } = await guest.lane.run(["cat", "/dev/shm/empty"], {
      onBytes: (part) => {
        bytes += part.length;
      },
    });
    expect([exitCode, bytes]).toEqual([0, 0]);
  });

  it("hands words to the command, whose output has ended before", async () => {
    let tell: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const words = (async function* () {
      await ended;
      yield "kill\n";
    })();
    const script = 'exec >&-; read word; echo "heard $word" >&2';
    const { stderr } = await guest.lane.run(["sh", "-c", script], { words, onBytes: () => undefined, onEnd: tell });
    expect(stderr.toString()).toBe("heard kill\n");
  });

  it("holds back who sends more than is taken", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let taken = 0;
    const script = "for i in $(seq 48); do head -c 1048576 /dev/zero; echo $i > /dev/shm/written; done";
    const running = guest.lane.run(["sh", "-c", script], {
      onBytes: async (part) => {
        await gate;
        taken += part.length;
      },
    });
    // Until it stands still, the slots, the pipe and one hand full.
    let before = "";
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const now = (await guest.exec(["cat", "/dev/shm/written"])).stdout.toString();
      if (now !== "" && now === before) break;
      before = now;
    }
    expect(Number(before)).toBeLessThan(20);
    release();
    expect((await running).exitCode).toBe(0);
    expect(taken).toBe(48 * 1048576);
  });

  it("tells why a source or a command failed, and can be used again", async () => {
    const broken = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(10);
      throw new Error("a fox ate it");
    })();
    await expect(guest.lane.write("/dev/shm/part", broken)).rejects.toThrow("a fox ate it");
    const nowhere = await guest.lane.write("/no/such/place", pieces(Buffer.alloc(LANE_BYTES * 2), 65536));
    expect([nowhere.exitCode, nowhere.stderr.toString()]).toEqual([
      125,
      "lane: /no/such/place: No such file or directory\n",
    ]);
    const { exitCode } = await guest.lane.run(["true"], { onBytes: () => undefined });
    expect(exitCode).toBe(0);
  });
});
