import { expect, test } from "vitest";
import { isKernelTrouble } from "./kernel-trouble.js";

test.each([
  "[    1.000000][  T77] BUG: KASAN: slab-use-after-free in ckpt_obj_put+0x1/0x2",
  "[    2.000000] WARNING: possible circular locking dependency detected",
  "[    2.000000] WARNING: CPU: 1 PID: 77 at mm/memory.c:1 do_it+0x1/0x2",
  "possible irq lock inversion dependency detected",
  "[    5.000000] Oops: general protection fault, probably for non-canonical address",
  "[    6.000000] Kernel panic - not syncing: Attempted to kill init!",
  "[    7.000000] rcu: INFO: rcu_preempt self-detected stall on CPU",
  "[    8.000000] EXT4-fs error (device vda): ext4_lookup:1: comm ls: deleted inode referenced: 5",
])("trouble of the kernel's own: %s", (line) => {
  expect(isKernelTrouble(line)).toBe(true);
});

test.each([
  "[    1.200000] EXT4-fs (vda): mounted filesystem",
  "[    3.000000] random: crng init done",
  "[    4.100000] kasan: KernelAddressSanitizer initialized",
  "[   81.060275] traps: counter[57] general protection fault ip:48bbb3 sp:7ffd21c09930 error:0 in counter[8bbb3,401000+a9000]",
  "[   82.000000] counter[58]: segfault at 0 ip 0000000000401000 sp 00007ffd21c09930 error 4",
])("nothing is wrong with the kernel: %s", (line) => {
  expect(isKernelTrouble(line)).toBe(false);
});
