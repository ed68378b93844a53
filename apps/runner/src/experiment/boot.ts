/** Boots guests for experiments from what the build has made. */
import { randomBytes } from "node:crypto";
import { labKernel, type Manifest } from "@crlab/shared";
import { ensureImage, findImage } from "../build/image.js";
import { dataDir, ensureKernel, findKernel, type Progress } from "../build/index.js";
import { howToBuild, noSuchKernel } from "../build/kernels.js";
import { bootGuest } from "../guest/guest.js";
import { StepError } from "./errors.js";
import type { BootGuest, GuestPort } from "./guest-port.js";

/** Boots what is built; building takes minutes and is asked for by name. */
export const bootBuilt: BootGuest = async (manifest, experimentId, disk): Promise<GuestPort> => {
  const kernel = await findKernel(manifest.kernel);
  if (!kernel)
    throw new StepError(
      "kernel.missing",
      labKernel.safeParse(manifest.kernel).success
        ? `kernel \`${manifest.kernel}\` has not been built from the present sources`
        : noSuchKernel(manifest.kernel),
      { hint: `run: ${howToBuild(manifest.kernel)}` },
    );
  const image = await findImage();
  if (!image)
    throw new StepError("image.missing", "the guest image has not been built from the present sources", {
      hint: "run: npm run -s crlab -- image build",
    });
  const { memMiB, cpus, accel } = manifest;
  const dir = disk ?? dataDir("guests", `${experimentId}-${randomBytes(3).toString("hex")}`);
  return bootGuest({ kernel, image, memMiB, cpus, accel, dir, reuseDisk: disk !== undefined });
};

/** Builds what an experiment file needs. */
export async function ensureBuilt(kernels: Iterable<Manifest["kernel"]>, progress: Progress): Promise<void> {
  for (const variant of new Set(kernels)) await ensureKernel(variant, progress);
  await ensureImage(progress);
}
