import { describe, expect, it, vi } from "vitest";
import type { GuestTerminal } from "./guest-port.js";
import type { ExperimentLog } from "./log.js";
import { LiveTerminal, STORED_BYTES_PER_TERMINAL } from "./terminal.js";

/** A terminal whose program prints when it is told to, and hears of it when it must wait. */
function open() {
  let say: (bytes: Buffer) => void = () => {};
  let waits = false;
  const guest = {
    onData: (receive: (bytes: Buffer) => void) => {
      say = receive;
    },
    pause: () => {
      waits = true;
    },
    resume: () => {
      waits = false;
    },
  } as GuestTerminal;
  const kept: { offset: number; length: number }[] = [];
  const disk = { full: false };
  const log = {
    append: async () => {},
    jot: (_: number, offset: number, bytes: Uint8Array) => {
      if (disk.full) throw new Error("the disk is full");
      kept.push({ offset, length: bytes.length });
    },
  } as unknown as ExperimentLog;
  const terminal = new LiveTerminal(1, guest, log);
  return { terminal, print: (n: number) => say(Buffer.alloc(n)), waits: () => waits, kept, disk };
}

describe("what is put out", () => {
  it("is kept before anybody is told of it, and not shown if that is impossible", () => {
    const { terminal, print, kept, disk } = open();
    const told: number[] = [];
    terminal.onChange(() => told.push(kept.length));
    print(10);
    print(5);
    expect(told).toEqual([1, 2]);
    expect(kept).toEqual([
      { offset: 0, length: 10 },
      { offset: 10, length: 5 },
    ]);
    disk.full = true;
    print(5);
    expect(told).toHaveLength(2);
    expect(terminal.bytes).toBe(15);
  });

  it("is shown beyond what is kept of one terminal", async () => {
    const { terminal, print, kept } = open();
    print(STORED_BYTES_PER_TERMINAL - 3);
    print(10);
    print(10);
    expect(kept.at(-1)).toEqual({ offset: STORED_BYTES_PER_TERMINAL - 3, length: 3 });
    expect(terminal.bytes).toBe(STORED_BYTES_PER_TERMINAL + 17);
    await terminal.end();
  });
});

describe("the program on a terminal", () => {
  it("waits while all who look have their hands full, and goes on with the quickest", () => {
    const { terminal, print, waits } = open();
    const busy = { slow: true, quick: false };
    terminal.addViewer({ isBusy: () => busy.slow });
    const endQuick = terminal.addViewer({ isBusy: () => busy.quick });
    print(10);
    expect(waits()).toBe(false);
    busy.quick = true;
    print(10);
    expect(waits()).toBe(true);
    busy.quick = false;
    terminal.pace();
    expect(waits()).toBe(false);
    endQuick();
    expect(waits()).toBe(true);
  });

  it("waits neither for nobody nor for who has stopped drawing", async () => {
    const { terminal, print, waits } = open();
    print(10);
    expect(waits()).toBe(false);
    let draws = true;
    const leave = terminal.addViewer({ isBusy: () => draws });
    print(10);
    expect(waits()).toBe(true);
    draws = false;
    await vi.waitFor(() => expect(waits()).toBe(false));
    draws = true;
    print(10);
    expect(waits()).toBe(true);
    leave();
    expect(waits()).toBe(false);
    await terminal.end();
  });

  it("waits for the log, too, when it prints faster than that is written", async () => {
    const { terminal, print, waits } = open();
    print(600 * 1024);
    expect(waits()).toBe(true);
    terminal.pace();
    expect(waits()).toBe(true);
    await vi.waitFor(() => expect(waits()).toBe(false));
    await terminal.end();
  });
});
