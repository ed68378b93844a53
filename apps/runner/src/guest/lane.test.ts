/** What a guest that lies can do: nothing but end its own command. */
import { mkdtempSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExecOptions, ExecResult } from "./guest.js";
import { LANE_BYTES, Lane } from "./lane.js";

const dir = mkdtempSync(join(tmpdir(), "crlab-lane-"));
let disk: FileHandle;

beforeAll(async () => {
  disk = await open(join(dir, "lane"), "wx+");
  await disk.truncate(LANE_BYTES);
});
afterAll(async () => {
  await disk.close();
  rmSync(dir, { recursive: true });
});

/** A guest whose command says this and then waits to be aborted. */
const saying =
  (bytes: Buffer) =>
  (_: readonly string[], options: ExecOptions): Promise<ExecResult> =>
    new Promise((_resolve, reject) => {
      options.abort?.addEventListener("abort", () => reject(new Error("aborted")));
      void (async () => {
        await options.onStdout?.(bytes);
      })();
    });

const lengths = (...values: number[]): Buffer =>
  Buffer.concat(values.map((v) => Buffer.from(new Uint32Array([v]).buffer)));
const nothing = { onBytes: () => undefined };

describe("a guest that breaks the rules", () => {
  it.each([0, 256 * 1024 + 1, 0xffffffff])("fills a slot with %d bytes", async (length) => {
    const lane = new Lane(saying(lengths(length)), disk);
    await expect(lane.run(["x"], nothing)).rejects.toMatchObject({ code: "lane-broken" });
  });

  it("never leads out of its file, however many slots it fills", async () => {
    const many = lengths(...Array.from({ length: 200 }, () => 256 * 1024), 0);
    let bytes = 0;
    const lane = new Lane(saying(many), disk);
    const run = lane.run(["x"], {
      onBytes: (part) => {
        bytes += part.length;
      },
    });
    await expect(run).rejects.toMatchObject({ code: "lane-broken" });
    expect(bytes).toBe(200 * 256 * 1024);
  });

  it("frees slots that are not full", async () => {
    const lane = new Lane(saying(Buffer.alloc(3)), disk);
    const none = (async function* (): AsyncGenerator<Uint8Array> {})();
    await expect(lane.write("/x", none)).rejects.toMatchObject({ code: "lane-broken" });
  });
});

describe("what goes wrong on this side", () => {
  it("ends the command, when the words for it break", async () => {
    const lane = new Lane(saying(Buffer.alloc(0)), disk);
    const words = (async function* (): AsyncGenerator<string> {
      yield "first";
      throw new Error("the round could not be counted");
    })();
    await expect(lane.run(["x"], { ...nothing, words })).rejects.toThrow("the round could not be counted");
  });

  it("ends the command, when the disk takes only a part of a slot", async () => {
    const full = { write: async () => ({ bytesWritten: 1, buffer: Buffer.alloc(0) }) } as unknown as FileHandle;
    const reading = async (_: readonly string[], options: ExecOptions): Promise<ExecResult> => {
      for await (const _length of options.stdin ?? []);
      return new Promise((_resolve, reject) => {
        if (options.abort?.aborted) reject(new Error("aborted"));
      });
    };
    const lane = new Lane(reading, full);
    const source = (async function* () {
      yield Buffer.alloc(8);
    })();
    await expect(lane.write("/x", source)).rejects.toMatchObject({ code: "disk-failed" });
  });
});
