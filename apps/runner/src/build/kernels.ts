/** Kernels by name: the lab's, as the present sources make them, and people's own, as they were built. */
import { type KernelVariant, labKernel } from "@crlab/shared";
import type { Progress } from "./command.js";
import { BuildError } from "./errors.js";
import { type BuiltKernel, ensureLabKernel, findLabKernel } from "./kernel.js";
import { findOwnKernel, ownKernels } from "./own-kernels.js";

/** The kernel of this name, if it has been built. */
export async function findKernel(variant: KernelVariant): Promise<BuiltKernel | undefined> {
  const ofTheLab = labKernel.safeParse(variant);
  return ofTheLab.success ? findLabKernel(ofTheLab.data) : findOwnKernel(variant);
}

/** The kernel of this name. One of the lab's is built if need be; of one's own it must be known what it is. */
export async function ensureKernel(variant: KernelVariant, progress: Progress): Promise<BuiltKernel> {
  const ofTheLab = labKernel.safeParse(variant);
  if (ofTheLab.success) return ensureLabKernel(ofTheLab.data, progress);
  const kernel = findOwnKernel(variant);
  if (kernel) return kernel;
  throw new BuildError(noSuchKernel(variant), { advice: `Build it: ${howToBuild(variant)}` });
}

/** The names of all that can be booted. */
export async function builtKernels(): Promise<KernelVariant[]> {
  const found = await Promise.all(labKernel.options.map(async (v) => ((await findLabKernel(v)) ? [v] : [])));
  return [...found.flat(), ...ownKernels().flatMap(({ name }) => (findOwnKernel(name) ? [name] : []))];
}

export const noSuchKernel = (name: string): string =>
  `there is no kernel "${name}"; there are ${[...labKernel.options, ...ownKernels().map((own) => own.name)].join(", ")}`;

/** The command that makes it. */
export const howToBuild = (name: string): string =>
  `npm run -s crlab -- kernel build ${name}${labKernel.safeParse(name).success ? "" : " --patches DIR"}`;
