import { expect, test } from "vitest";
import { namedErrorOf } from "../experiment/errors.js";
import { readCheckpoint, readRestart } from "./kernel.js";

const said = (text: string) => ({
  exitCode: 1,
  signal: null,
  stdout: Buffer.alloc(0),
  stderr: Buffer.from(`${text}\n`),
});

function refused(read: () => unknown) {
  try {
    read();
  } catch (error) {
    return namedErrorOf(error);
  }
  throw new Error("it was not refused");
}

test("what cannot be checkpointed is told with what to do next, and is not taken for a kernel that cannot checkpoint", () => {
  const own =
    "checkpoint: pid 66: fd 3: anon_inode:[userfaultfd]: a file (anon_inodefs) has no checkpoint method: not supported";
  expect(refused(() => readCheckpoint(said(own)))).toMatchObject({
    ...{ code: "checkpoint.refused", message: own },
    hint: expect.stringContaining("dry run lists all"),
  });
});

test("a kernel without the patches is told apart", () => {
  const none = (call: string) => `this kernel has no ${call}; boot one with the checkpoint patches (variant "cr")`;
  expect(refused(() => readCheckpoint(said(`checkpoint: ${none("checkpoint(2)")}`))).code).toBe("kernel.unpatched");
  expect(refused(() => readRestart(said(`restart: ${none("restart(2)")}`))).code).toBe("kernel.unpatched");
});

test("an error of restart knows its place in the image", () => {
  const own = "restart: image offset 4096: PAGES is cut short";
  expect(refused(() => readRestart(said(own)))).toMatchObject({ code: "restart.refused", imageOffset: 4096 });
});
