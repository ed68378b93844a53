/** Kernel trouble, as it shows on the guest's console. */

const trouble =
  /\b(KASAN:(?! KernelAddressSanitizer initialized)|KFENCE:|UBSAN:|KCSAN:)|\bBUG:|\bBUG at\b|^WARNING: |\] WARNING: |possible (recursive locking|circular locking|deadlock)|suspicious RCU|inconsistent lock state|INFO: (task|rcu|trying to register)|\bOops\b|general protection fault|Kernel panic|list_(add|del) corruption|refcount_t: |sleeping function called|unreferenced object|Object padding overwritten|bad page state/i;

/** The console lines that report trouble, each once. */
export function kernelTrouble(consoleText: string): string[] {
  const lines = consoleText.split(/\r?\n/).filter((line) => trouble.test(line));
  return [...new Set(lines.map((line) => line.replace(/^\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])?\s*/, "")))];
}
