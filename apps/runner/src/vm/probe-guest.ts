/**
 * The smallest guest that proves an accelerator works: a flat BIOS image of 64 KiB, for `-bios`.
 *
 * It enters protected mode, enables paging, writes `K` to the debug console (port 0xe9) and exits through
 * isa-debug-exit (port 0xf4) with PROBE_EXIT_CODE. There are hosts whose /dev/kvm opens and creates vCPUs that get
 * this far never.
 */
const SIZE = 64 * 1024;
const LOAD = 0xffff0000; // where QEMU maps the last 64 KiB of a BIOS

/** isa-debug-exit makes `(value << 1) | 1` of the value written. */
const EXIT_VALUE = 0x2a;
export const PROBE_EXIT_CODE = (EXIT_VALUE << 1) | 1;
export const PROBE_BYTE = "K";

const GDT = 0x100;
const GDT_POINTER = 0x120;
const PROTECTED = 0x40;

const u16 = (n: number) => [n & 0xff, (n >> 8) & 0xff];
const u32 = (n: number) => [...u16(n & 0xffff), ...u16(n >>> 16)];

// biome-ignore format: one instruction a line
const realMode = [
  0xfa,                                                   // cli
  0x2e, 0x66, 0x0f, 0x01, 0x16, ...u16(GDT_POINTER),      // lgdt cs:[GDT_POINTER]
  0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,         // cr0 |= PE
  0x66, 0xea, ...u32(LOAD + PROTECTED), 0x08, 0x00,       // jmp 08:PROTECTED
];

// biome-ignore format: one instruction a line
const protectedMode = [
  0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, // ds = es = ss = 10
  0xbf, ...u32(0x1000), 0xb9, ...u32(1024),               // a page directory at 0x1000:
  0xb8, ...u32(0x83),                                     // 1024 pages of 4 MiB, one to one
  0xab, 0x05, ...u32(0x400000), 0xe2, 0xf8,               // stosd; add eax, 4 MiB; loop
  0x0f, 0x20, 0xe0, 0x0c, 0x10, 0x0f, 0x22, 0xe0,         // cr4 |= PSE
  0xb8, ...u32(0x1000), 0x0f, 0x22, 0xd8,                 // cr3 = 0x1000
  0x0f, 0x20, 0xc0, 0x0d, ...u32(0x80000000), 0x0f, 0x22, 0xc0, // cr0 |= PG
  0xeb, 0x00,                                             // jmp $+2
  0xb0, PROBE_BYTE.charCodeAt(0), 0x66, 0xba, 0xe9, 0x00, 0xee, // out 0xe9, 'K'
  0xb0, EXIT_VALUE, 0x66, 0xba, 0xf4, 0x00, 0xee,         // out 0xf4, EXIT_VALUE
  0xf4, 0xeb, 0xfd,                                       // hlt; jmp to it
];

// biome-ignore format: one descriptor a line
const gdt = [
  0, 0, 0, 0, 0, 0, 0, 0,
  0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0,                     // 08: code, 4 GiB
  0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0,                     // 10: data, 4 GiB
];

export function probeGuest(): Buffer {
  const bios = Buffer.alloc(SIZE, 0xf4);
  bios.set(realMode, 0);
  bios.set(protectedMode, PROTECTED);
  bios.set(gdt, GDT);
  bios.set([...u16(gdt.length - 1), ...u32(LOAD + GDT)], GDT_POINTER);
  bios.set([0xe9, 0x0d, 0x00], 0xfff0); // the reset vector: jmp to offset 0
  return bios;
}
