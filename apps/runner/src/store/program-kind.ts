/** Says of a file that somebody brings what it is, from its first bytes. Nothing of it is ever run, or unpacked, here. */
import type { ProgramKind } from "@crlab/shared";
import { StoreError } from "./errors.js";

const EM_X86_64 = 62;
const PT_INTERP = 3;

const refused = (message: string, hint: string) => new StoreError({ code: "program.refused", message, hint });

export function programKind(bytes: Buffer): ProgramKind {
  if (bytes.length === 0) throw refused("the file is empty", "give a static x86-64 program, a script or a tar file");
  if (bytes.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1"))) return elf(bytes);
  if (bytes.subarray(0, 2).toString("latin1") === "#!") return "script";
  if (bytes.subarray(257, 262).toString("latin1") === "ustar") return "tar";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "tar.gz";
  throw refused(
    "it is neither an ELF program, nor a script (its first line is not #!…), nor a tar file",
    "give a static x86-64 program, a script or a tar file (.tar, .tar.gz)",
  );
}

function elf(bytes: Buffer): ProgramKind {
  if (bytes.length < 64 || bytes[4] !== 2 || bytes[5] !== 1 || bytes.readUInt16LE(18) !== EM_X86_64)
    throw refused("it is an ELF file, but not of a little-endian 64-bit x86 machine", "build it for x86-64");
  const type = bytes.readUInt16LE(16);
  if (type !== 2 && type !== 3) throw refused("it is an ELF file, but no program", "link it, with -static");
  const entryBytes = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  const at = bytes.readBigUInt64LE(32);
  for (let i = 0; i < count && entryBytes >= 56; i++) {
    const offset = at + BigInt(i * entryBytes);
    if (offset + 56n > BigInt(bytes.length))
      throw refused("its program headers lie beyond its end", "it is damaged: build it anew");
    if (bytes.readUInt32LE(Number(offset)) === PT_INTERP)
      throw refused(
        "it is linked dynamically, and the guest may not have its libraries",
        "link it with -static, or send a tar file that brings them, with a script that starts it",
      );
  }
  return "program";
}
