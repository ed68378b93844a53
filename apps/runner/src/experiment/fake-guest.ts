import type { BootGuest, GuestEnd } from "./guest-port.js";

/** For tests: a guest that is up at once, runs every command to its end and does nothing; `exitCode` may wait on a test. */
export const fakeBoot =
  (calls: string[], exitCode: (argv: readonly string[]) => number | Promise<number> = () => 0): BootGuest =>
  async (manifest, id) => {
    let end: (end: GuestEnd) => void = () => {};
    const ended = new Promise<GuestEnd>((resolve) => {
      end = resolve;
    });
    const nothing = Buffer.alloc(0);
    return {
      fingerprint: {
        ...{ kernelVariant: manifest.kernel, kernelRelease: "6.12", kernelHash: "k", configHash: "c", imageHash: "i" },
        ...{ qemuVersion: "7.2", accel: "tcg", accelReason: "a test", memMiB: manifest.memMiB, cpus: manifest.cpus },
      },
      how: "warm",
      bootMs: 1,
      exec: async (argv) => ({ exitCode: await exitCode(argv), signal: null, stdout: nothing, stderr: nothing }),
      lane: {
        run: () => Promise.reject(new Error("no bulk data in this test")),
        write: () => Promise.reject(new Error("no bulk data in this test")),
      },
      openTerminal: () => Promise.reject(new Error("no terminal in this test")),
      serial: { text: "" },
      onSerial: () => {},
      standBy: async () => void calls.push(`stand by ${id}`),
      takeUp: async () => void calls.push(`take up ${id}`),
      suspend: async () => void calls.push(`suspend ${id}`),
      resume: async () => void calls.push(`resume ${id}`),
      cost: () => ({ cpuMs: 120, rssBytes: 4096 }),
      ended,
      halt: async (how) => {
        end({ how: "stopped", reason: how });
        return `the disk of ${id}`;
      },
      stop: async () => end({ how: "stopped", reason: "on request" }),
      discard: async () => {
        calls.push(`discard ${id}`);
        end({ how: "stopped", reason: "discarded" });
      },
    };
  };
