import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runLogged, tellingLines } from "./command.js";
import { BuildError } from "./errors.js";

const dir = mkdtempSync(join(tmpdir(), "crlab-command-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("of make's output, the first cause is shown, not its echoes", () => {
  const lines = [
    "  CC      fs/checkpoint.o",
    "fs/checkpoint.c:7:2: error: expected ';' before 'return'",
    "make[3]: *** [scripts/Makefile.build:229: fs/checkpoint.o] Error 1",
    "make[2]: *** Waiting for unfinished jobs....",
    "make: *** [Makefile:236: __sub-make] Error 2",
  ];
  expect(tellingLines(lines)).toEqual(["fs/checkpoint.c:7:2: error: expected ';' before 'return'"]);
  expect(tellingLines(["one", "two"])).toEqual(["one", "two"]);
});

test("a failed command tells what it was for, how it ended, and where its log is", async () => {
  const logPath = join(dir, "log");
  const failed = runLogged(["sh", "-c", "echo out; echo 'x: error: no' >&2; exit 3"], { purpose: "making x", logPath });
  await expect(failed).rejects.toMatchObject({
    message: "making x: sh exited with 3",
    logTail: ["x: error: no"],
    logPath,
  });
  expect(readFileSync(logPath, "utf8")).toContain("out\n");
});

test("a full disk is called that", async () => {
  const script = "echo 'write: No space left on device' >&2; exit 1";
  const failed = await runLogged(["sh", "-c", script], { purpose: "making x", logPath: join(dir, "full") }).catch(
    (e) => e,
  );
  expect(failed).toBeInstanceOf(BuildError);
  expect(failed.message).toBe("making x: the disk is full");
});

test("a command that is not there is named", async () => {
  const failed = runLogged(["no-such-command"], { purpose: "making x", logPath: join(dir, "none") });
  await expect(failed).rejects.toThrow("making x: cannot start no-such-command");
});
