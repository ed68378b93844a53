/** What kernels say when they are unwell. */

const TROUBLE =
  /\b(KASAN:(?! KernelAddressSanitizer initialized)|KFENCE:|UBSAN:|KCSAN:)|\bBUG:|\bBUG at\b|^WARNING: |\] WARNING: |possible .*(lock|locking|deadlock)\b|suspicious RCU|inconsistent lock state|INFO: (task|rcu|trying to register)|\bOops\b|general protection fault|Kernel panic|list_(add|del) corruption|refcount_t: |sleeping function called|unreferenced object|Object padding overwritten|bad page state|EXT4-fs error/i;

/** A program that has faulted, by no fault of the kernel's. */
const OF_A_PROGRAM = /\btraps: /;

/** Whether a line of a kernel's log says that something is wrong with the kernel itself. */
export function isKernelTrouble(line: string): boolean {
  return TROUBLE.test(line) && !OF_A_PROGRAM.test(line);
}
