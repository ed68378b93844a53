/** `crlab kernel build [NAME]`, `list`, `remove`. */
import { parseArgs } from "node:util";
import { kernelVariant, labKernel } from "@crlab/shared";
import { type BuiltKernel, vmlinuxPath } from "../build/kernel.js";
import { ensureKernel, findKernel } from "../build/kernels.js";
import { buildOwnKernel, ownKernelOf, ownKernels, removeOwnKernel } from "../build/own-kernels.js";
import { stage } from "../build/stages.js";
import { type Subcommand, UsageError } from "./command.js";

const EXPECTED_S = 480;

const subcommand: Subcommand = {
  usage: [
    "kernel build [base|cr|debug] | kernel build NAME [--patches DIR | --tree DIR] [--config FILE] [--on VARIANT] | kernel list | kernel remove NAME",
    "",
    "build VARIANT (default: cr) builds one of the lab's kernels from Debian's kernel source, kernel/linux, kernel/patches and",
    "kernel/configs; after an edit, only what changed. Prints the kernel's file.",
    "build NAME builds one of them with changes of yours, under a name that experiments can give as their kernel. It stays as",
    "it was built until it is built again (build NAME alone: from where it came from the first time).",
    "  --patches DIR     patches on top of it, in the order of their names; or one patch",
    "  --tree DIR        a changed copy of its tree (build/cr/src in the cache); what make has put there does not count",
    "  --config FILE     options over its configuration: CONFIG_NAME=value, one a line",
    "  --on VARIANT      base, cr (default) or debug: which of the lab's it is made from",
    "list says what there is, and in what each differs; remove forgets one, and its build tree.",
  ],
  async run(args) {
    const { values, positionals } = parse(args);
    const [action, name, ...more] = positionals;
    if (more.length > 0) throw new UsageError(`what is "${more[0]}"?`);
    if (action === "list" && name === undefined) return list();
    if (action === "remove" && name !== undefined) {
      removeOwnKernel(name);
      return 0;
    }
    if (action !== "build") throw new UsageError("what to do with the kernel?");
    return build(name ?? "cr", values);
  },
};
export default subcommand;

type Values = ReturnType<typeof parse>["values"];

function parse(args: readonly string[]) {
  try {
    const text = { type: "string" } as const;
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { patches: text, tree: text, config: text, on: text },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function build(name: string, { on, ...from }: Values): Promise<number> {
  const changed = Object.values({ on, ...from }).some((value) => value !== undefined);
  const said = kernelVariant.safeParse(name);
  if (!said.success) throw new UsageError(`"${name}" is no name for a kernel: ${said.error.issues[0]?.message}`);
  if (labKernel.safeParse(name).success) {
    if (changed) throw new UsageError(`${name} is the lab's own: give the kernel with your changes another name`);
    return show(await stage(`kernel ${name}`, (progress) => ensureKernel(name, progress), { expectedS: EXPECTED_S }));
  }
  if (from.patches !== undefined && from.tree !== undefined)
    throw new UsageError("give either --patches or --tree: a tree can have the patches in it");
  const variant = labKernel.optional().safeParse(on);
  if (!variant.success) throw new UsageError(`--on takes ${labKernel.options.join(", ")}, not "${on}"`);
  const own = ownKernelOf(name, { ...from, ...(variant.data === undefined ? {} : { on: variant.data }) });
  return show(await stage(`kernel ${name}`, (progress) => buildOwnKernel(own, progress), { expectedS: EXPECTED_S }));
}

function show(kernel: BuiltKernel): number {
  process.stderr.write(`Linux ${kernel.release}; symbols for gdb: ${vmlinuxPath(kernel.variant)}\n`);
  if (kernel.on !== undefined) process.stderr.write(`${differs(kernel)}\n`);
  process.stdout.write(`${kernel.bzImage}\n`);
  return 0;
}

const differs = ({ on, changes = [] }: BuiltKernel): string =>
  changes.length === 0 ? `the same as ${on}` : `differs from ${on} in: ${changes.join(", ")}`;

async function list(): Promise<number> {
  for (const name of [...labKernel.options, ...ownKernels().map((own) => own.name)]) {
    const kernel = await findKernel(name).catch(() => undefined);
    const text = kernel
      ? `${kernel.release}  ${kernel.kernelHash.slice(0, 12)}${kernel.on === undefined ? "" : `  ${differs(kernel)}`}`
      : "not built, or out of date";
    process.stdout.write(`${name.padEnd(24)} ${text}\n`);
  }
  return 0;
}
