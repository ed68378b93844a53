/** Kernel trouble, as it shows on the guest's console. */
import { isKernelTrouble } from "@crlab/shared";

/** The console lines that report trouble, each once. */
export function kernelTrouble(consoleText: string): string[] {
  const lines = consoleText.split(/\r?\n/).filter(isKernelTrouble);
  return [...new Set(lines.map((line) => line.replace(/^\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])?\s*/, "")))];
}
