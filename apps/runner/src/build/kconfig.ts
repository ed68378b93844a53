/** Kernel configurations: fragments merged over tinyconfig, and a check that every option asked for took. */
import type { LabKernel } from "@crlab/shared";

/** Which fragments of kernel/configs make a variant, in the order in which they are merged. */
export const fragmentsOf: Record<LabKernel, readonly string[]> = {
  base: ["base.config", "criu.config"],
  cr: ["base.config", "criu.config", "cr.config"],
  debug: ["base.config", "criu.config", "cr.config", "debug.config"],
};

/** Options by name; an option that is off has the value `n`. */
export function parseConfig(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const line of text.split("\n")) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line);
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line);
    if (set?.[1] !== undefined && set[2] !== undefined) options.set(set[1], set[2].trim());
    else if (unset?.[1] !== undefined) options.set(unset[1], "n");
  }
  return options;
}

/** The options of the fragments that the kernel's configuration did not take: "CONFIG_X=y (is n)". */
export function optionsNotTaken(fragments: readonly string[], config: string): string[] {
  const wanted = new Map(fragments.flatMap((fragment) => [...parseConfig(fragment)]));
  const got = parseConfig(config);
  return [...wanted]
    .filter(([name, value]) => (got.get(name) ?? "n") !== value)
    .map(([name, value]) => `${name}=${value} (is ${got.get(name) ?? "not there"})`);
}
