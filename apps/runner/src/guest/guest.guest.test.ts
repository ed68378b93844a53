/** Real guests: the base kernel, the lab's image. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type BuiltImage, type BuiltKernel, ensureImage, ensureKernel } from "../build/index.js";
import { removeStaleGuests, startTimeOf } from "../vm/guest-dir.js";
import { encodeFrame, FrameType } from "./frames.js";
import { type BootOptions, bootGuest, type Guest } from "./guest.js";

const scratch = mkdtempSync(join(tmpdir(), "crlab-guest-test-"));
let kernel: BuiltKernel;
let image: BuiltImage;
let count = 0;
const running = new Set<Guest>();

async function boot(more: Partial<BootOptions> = {}): Promise<Guest> {
  const dir = join(scratch, `guest-${++count}`);
  const guest = await bootGuest({ kernel, image, memMiB: 256, cpus: 2, accel: "auto", dir, ...more });
  running.add(guest);
  return guest;
}

const text = async (guest: Guest, script: string) => (await guest.exec(["sh", "-c", script])).stdout.toString().trim();

beforeAll(async () => {
  kernel = await ensureKernel("base", () => undefined);
  image = await ensureImage(() => undefined);
});
afterEach(async () => {
  await Promise.all([...running].map((guest) => guest.discard()));
  running.clear();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("boot", () => {
  it("works the long way, with a whole system", async () => {
    const guest = await boot({ cold: true });
    expect(guest.how).toBe("cold");
    expect(await text(guest, "uname -r; hostname; cat /proc/1/comm")).toBe(`${kernel.release}\ncrlab\ninit`);
    for (const place of ["/proc", "/sys", "/dev/pts", "/dev/shm", "/run", "/tmp", "/sys/fs/cgroup"])
      expect(await text(guest, "cut -d' ' -f2 /proc/mounts"), place).toContain(place);
    expect(guest.problems).toEqual([]);
  });

  it("wakes clones that share neither random numbers nor disks, and know the time", async () => {
    const [one, two] = [await boot(), await boot()];
    expect([one.how, two.how]).toEqual(["warm", "warm"]);
    const random = "head -c 16 /dev/urandom | od -An -tx1";
    expect(await text(one, random)).not.toBe(await text(two, random));
    await one.writeFile("/data/mine", "1");
    await expect(two.readFile("/data/mine")).rejects.toMatchObject({ code: "not-found" });
    expect(Math.abs(Number(await text(one, "date +%s")) - Date.now() / 1000)).toBeLessThan(30);
  });

  it("shares a directory of the host", async () => {
    const shared = join(scratch, "shared");
    mkdirSync(shared);
    writeFileSync(join(shared, "hello"), "from the host");
    const guest = await boot({ mounts: [{ hostDir: shared, guestDir: "/mnt/shared" }] });
    expect(await text(guest, "cat /mnt/shared/hello")).toBe("from the host");
  });

  it("finds a file in a directory of the host again after a restart", async () => {
    const shared = mkdtempSync(join(scratch, "shared-"));
    chmodSync(shared, 0o755);
    writeFileSync(join(shared, "lines"), "one\ntwo\n");
    const patched = await ensureKernel("cr", () => undefined);
    const guest = await boot({ kernel: patched, mounts: [{ hostDir: shared, guestDir: "/mnt/shared" }] });
    const reader =
      "exec 3</mnt/shared/lines; read a <&3; echo $a > /data/out; touch /data/ready; " +
      "until [ -e /data/go ]; do sleep 0.05; done; read b <&3; echo $b >> /data/out; touch /data/done";
    const script =
      `setsid sh -c '${reader}' < /dev/null > /dev/null 2>&1 & pid=$!; until [ -e /data/ready ]; do sleep 0.05; done; ` +
      "checkpoint -o /data/image --kill $pid; wait $pid; restart -i /data/image --detach || exit 1; " +
      "touch /data/go; until [ -e /data/done ]; do sleep 0.05; done";
    expect(await guest.exec(["bash", "-c", script])).toMatchObject({ exitCode: 0 });
    expect(await text(guest, "cat /data/out")).toBe("one\ntwo");
  });
});

describe("a guest", () => {
  it("runs commands: output, errors, input, exit status, signals", async () => {
    const guest = await boot();
    const script = 'cat; echo oops >&2; echo "$X $PWD"; exit 3';
    const result = await guest.exec(["sh", "-c", script], {
      stdin: Buffer.from("in\n"),
      env: { X: "x" },
      cwd: "/data",
    });
    expect(result).toMatchObject({ exitCode: 3, signal: null, truncated: false });
    expect(result.stdout.toString()).toBe("in\nx /data\n");
    expect(result.stderr.toString()).toBe("oops\n");
    expect(await guest.exec(["sh", "-c", "kill -9 $$"])).toMatchObject({ exitCode: null, signal: 9 });
    await expect(guest.exec(["nonesuch"])).rejects.toMatchObject({ code: "not-found" });
    await expect(guest.exec(["sleep", "1000"], { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
  });

  it("moves files unharmed", async () => {
    const guest = await boot();
    const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) & 255));
    await guest.writeFile("/data/file", data, 0o640);
    expect((await guest.readFile("/data/file")).equals(data)).toBe(true);
    expect(await text(guest, "stat -c %a /data/file")).toBe("640");
  });

  it("answers on one stream while another is flooded and not read", async () => {
    const guest = await boot();
    const flood = await guest.openTerminal(["yes"], { cols: 80, rows: 24 });
    flood.pause();
    const abort = new AbortController();
    let held = 0;
    const stuck = guest.exec(["cat", "/dev/zero"], {
      abort: abort.signal,
      maxBufferBytes: 0,
      onStdout: (bytes) => {
        held += bytes.length;
        return new Promise(() => undefined);
      },
    });
    expect(await text(guest, "echo still here")).toBe("still here");
    expect(held).toBeLessThanOrEqual(256 * 1024);
    abort.abort();
    await expect(stuck).rejects.toMatchObject({ code: "aborted" });
    flood.close();
  });

  it("has terminals: echo, size, exit; the terminal outlives its process", async () => {
    const guest = await boot();
    const terminal = await guest.openTerminal(["sh"], { cols: 100, rows: 30 });
    let seen = "";
    const saw = (what: string) =>
      new Promise<void>((resolve) => {
        const off = terminal.onData((bytes) => {
          seen += bytes.toString();
          if (!seen.includes(what)) return;
          off();
          resolve();
        });
      });
    const sized = saw("30 100");
    terminal.write(Buffer.from("stty size\n"));
    await sized;
    terminal.resize(90, 20);
    const resized = saw("20 90");
    terminal.write(Buffer.from("stty size\n"));
    await resized;
    terminal.write(Buffer.from("exit 7\n"));
    expect(await terminal.exited).toEqual({ exitCode: 7, signal: null });
    const late = saw("late words");
    await guest.exec(["sh", "-c", `echo late words > ${terminal.path}`]);
    await late;
    terminal.close();
  });

  it("says how a process ended that nobody else waits for", async () => {
    const guest = await boot();
    const pid = Number(await text(guest, "sleep 1000 >/dev/null 2>&1 & echo $!"));
    const ended = guest.processEnded(pid);
    await guest.signal(pid, 15);
    expect(await ended).toEqual({ exitCode: null, signal: 15 });
    await expect(guest.signal(pid, 15)).rejects.toThrow(/No such process/);
  });

  it("survives nonsense on its channel", async () => {
    const guest = await boot();
    for (let i = 0; i < 20; i++) {
      guest.machine.agent.write(randomBytes(3000));
      // Well-formed headers around nonsense, too.
      for (let type = 0; type < 80; type++)
        if (type !== FrameType.shutdown) guest.machine.agent.write(encodeFrame(type, 1000 + i, randomBytes(type)));
      // The agent's complaints may come before its answer to the hello.
      const answers = () =>
        guest.channel.hello().then(
          () => true,
          () => false,
        );
      await expect.poll(answers).toBe(true);
    }
    expect(await text(guest, "echo well")).toBe("well");
  });

  it("shows kernel problems", async () => {
    const guest = await boot();
    await guest.exec(["sh", "-c", "echo '<2>BUG: only a test' > /dev/kmsg"]);
    await expect.poll(() => guest.problems.join()).toContain("BUG: only a test");
  });
});

describe("the end", () => {
  it("is orderly on request, and the folder goes", async () => {
    const dir = join(scratch, "orderly");
    const guest = await boot({ dir });
    await guest.stop();
    expect(await guest.ended).toMatchObject({ how: "stopped" });
    expect(existsSync(dir)).toBe(false);
    await expect(guest.exec(["true"])).rejects.toMatchObject({ code: "guest-gone" });
  });

  it("is noticed when QEMU is killed", async () => {
    const guest = await boot();
    const waiting = guest.exec(["sleep", "1000"]);
    waiting.catch(() => undefined);
    process.kill(guest.qemuPid, "SIGKILL");
    expect(await guest.ended).toMatchObject({ how: "died", reason: expect.stringContaining("SIGKILL") });
    await expect(waiting).rejects.toMatchObject({ code: "guest-gone" });
  });

  it("comes with that of the runner, even by kill -9", async () => {
    const module = JSON.stringify(fileURLToPath(new URL("./guest.ts", import.meta.url)));
    const options = { kernel, image, memMiB: 256, cpus: 2, accel: "auto", dir: join(scratch, "orphan") };
    const script = `import(${module}).then(async ({ bootGuest }) => {
      const guest = await bootGuest(${JSON.stringify(options)});
      console.log(guest.qemuPid);
    });`;
    const runner = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<number>((resolve) => runner.stdout.once("data", (line) => resolve(Number(line))));
    expect(startTimeOf(pid)).toBeDefined();
    runner.kill("SIGKILL");
    await expect.poll(() => startTimeOf(pid), { timeout: 10_000 }).toBeUndefined();
    expect(removeStaleGuests(scratch)).toEqual([options.dir]);
  });

  it("is noticed when the kernel panics", async () => {
    const guest = await boot();
    guest.exec(["sh", "-c", "echo c > /proc/sysrq-trigger"]).catch(() => undefined);
    expect(await guest.ended).toMatchObject({ how: "died", reason: expect.stringContaining("panic") });
  });

  it("is noticed when nothing moves any more", async () => {
    const guest = await boot();
    process.kill(guest.qemuPid, "SIGSTOP");
    expect(await guest.ended).toMatchObject({ how: "hung" });
    await expect.poll(() => startTimeOf(guest.qemuPid)).toBeUndefined();
  });

  it("by a power cut leaves a disk that boots again", async () => {
    const dir = join(scratch, "cut");
    const guest = await boot({ dir });
    await guest.exec(["sh", "-c", "echo kept > /data/file; sync; echo maybe > /data/other"]);
    await guest.powerCut();
    const again = await boot({ dir, reuseDisk: true });
    expect((await again.readFile("/data/file")).toString()).toBe("kept\n");
    expect(readFileSync(join(dir, "owner.json"), "utf8")).toContain(`${again.qemuPid}`);
  });
});
