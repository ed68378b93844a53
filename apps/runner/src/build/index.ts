/** What the rest of the runner asks of the build. */
export type { Progress } from "./command.js";
export { BuildError } from "./errors.js";
export { type BuiltImage, ensureImage, findImage, type ImageName, imageNames } from "./image.js";
export { type BuiltKernel, vmlinuxPath } from "./kernel.js";
export { builtKernels, ensureKernel, findKernel } from "./kernels.js";
export { cacheDir, dataDir, repoRoot } from "./paths.js";
