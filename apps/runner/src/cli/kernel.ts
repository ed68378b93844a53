/** `crlab kernel build [VARIANT]`. */
import { kernelVariant } from "@crlab/shared";
import { ensureKernel, vmlinuxPath } from "../build/kernel.js";
import { stage } from "../build/stages.js";
import { type Subcommand, UsageError } from "./command.js";

const subcommand: Subcommand = {
  usage: [
    "kernel build [base|cr|debug]",
    "",
    "Builds the variant (default: cr) from Debian's kernel source, kernel/linux, kernel/patches and kernel/configs;",
    "after an edit, only what changed. Prints the kernel's file.",
  ],
  async run(args) {
    const [action, name = "cr", ...more] = args;
    if (action !== "build" || more.length > 0) throw new UsageError("what to do with the kernel?");
    const variant = kernelVariant.safeParse(name);
    if (!variant.success)
      throw new UsageError(`no kernel variant "${name}"; there are ${kernelVariant.options.join(", ")}`);
    const kernel = await stage(`kernel ${variant.data}`, (progress) => ensureKernel(variant.data, progress), {
      expectedS: 480,
    });
    process.stderr.write(`Linux ${kernel.release}; symbols for gdb: ${vmlinuxPath(variant.data)}\n`);
    process.stdout.write(`${kernel.bzImage}\n`);
    return 0;
  },
};
export default subcommand;
