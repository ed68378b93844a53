import { describe, expect, it } from "vitest";
import { commandLine, FIRST_FILE_FD, type Hardware, hardwareArguments, type MachineSpec } from "./command-line.js";
import { QEMU_UID, setprivCommand } from "./sandbox.js";

const hardware: Hardware = { accel: "tcg", memMiB: 512, cpus: 2, mountCount: 0 };
const spec: MachineSpec = { hardware, kernel: "/k", disks: ["/base"], overlay: "/o", lane: "/l", mounts: [] };

describe("commandLine", () => {
  it("names no path of the host: QEMU gets open files", () => {
    const { args, files } = commandLine({
      ...spec,
      hardware: { ...hardware, mountCount: 1 },
      disks: ["/base", "/layer"],
      mounts: [{ hostDir: "/shared", guestDir: "/mnt" }],
      state: "/state",
    });
    expect(files.map(({ path }) => path)).toEqual(["/k", "/base", "/layer", "/o", "/l", "/shared", "/state"]);
    expect(args.join(" ")).not.toMatch(/\/(base|layer|l|shared|state)\b/);
  });

  it("opens for writing only the guest's own layer and its way for bulk data", () => {
    expect(commandLine(spec).files.filter(({ writable }) => writable)).toEqual([
      { path: "/o", writable: true },
      { path: "/l", writable: true },
    ]);
  });

  it("passes the saved state last", () => {
    const { files, stateFd } = commandLine({ ...spec, state: "/state" });
    expect(files[(stateFd ?? 0) - FIRST_FILE_FD]?.path).toBe("/state");
  });

  it("has sandbox and no network", () => {
    const line = commandLine(spec).args.join(" ");
    expect(line).toContain("-sandbox on");
    expect(line).toContain("-nodefaults");
    expect(line).not.toMatch(/-net|netdev|virtio-net/);
  });

  it("does without ERMS under TCG", () => {
    expect(hardwareArguments(hardware).join(" ")).toContain("-cpu max,-erms");
    expect(hardwareArguments({ ...hardware, accel: "kvm" }).join(" ")).toContain("-cpu host");
  });

  it("lets gdb in on loopback only, and turns address randomisation off", () => {
    const line = commandLine({ ...spec, gdbPort: 1234 }).args.join(" ");
    expect(line).toContain("-S -gdb tcp:127.0.0.1:1234");
    expect(line).toContain("nokaslr");
  });
});

describe("setprivCommand", () => {
  it("changes user only as root, and always ties QEMU's life to ours", () => {
    expect(setprivCommand(true).join(" ")).toContain(`--reuid ${QEMU_UID}`);
    expect(setprivCommand(false).join(" ")).not.toContain("--reuid");
    for (const isRoot of [true, false]) expect(setprivCommand(isRoot).join(" ")).toContain("--pdeathsig KILL");
  });
});
