/** Boots guests for experiments from what the build has made. */
import { randomBytes } from "node:crypto";
import { type Fingerprint, labKernel, type Manifest } from "@crlab/shared";
import { type BuiltImage, ensureImage, findImage } from "../build/image.js";
import { type BuiltKernel, dataDir, ensureKernel, findKernel, type Progress } from "../build/index.js";
import { howToBuild, noSuchKernel } from "../build/kernels.js";
import { bootGuest } from "../guest/guest.js";
import { StepError } from "./errors.js";
import type { BootGuest, GuestPort } from "./guest-port.js";

/** What is built; building takes minutes and is asked for by name. */
async function findBuilt(name: Manifest["kernel"]): Promise<{ kernel: BuiltKernel; image: BuiltImage }> {
  const kernel = await findKernel(name);
  if (!kernel)
    throw new StepError(
      "kernel.missing",
      labKernel.safeParse(name).success
        ? `kernel \`${name}\` has not been built from the present sources`
        : noSuchKernel(name),
      { hint: `run: ${howToBuild(name)}` },
    );
  const image = await findImage();
  if (!image)
    throw new StepError("image.missing", "the guest image has not been built from the present sources", {
      hint: "run: npm run -s crlab -- image build",
    });
  return { kernel, image };
}

export const bootBuilt: BootGuest = async (manifest, experimentId, { disk, background } = {}): Promise<GuestPort> => {
  const { kernel, image } = await findBuilt(manifest.kernel);
  const { memMiB, cpus, accel } = manifest;
  const dir = disk ?? dataDir("guests", `${experimentId}-${randomBytes(3).toString("hex")}`);
  const how = { reuseDisk: disk !== undefined, ...(background && { background }) };
  return bootGuest({ kernel, image, memMiB, cpus, accel, dir, ...how });
};

/** Whether a guest is still what would be booted under its kernel's name: sources change. */
export async function isCurrent({ kernelVariant, kernelHash, imageHash }: Fingerprint): Promise<boolean> {
  const built = await findBuilt(kernelVariant).catch(() => undefined);
  return built?.kernel.kernelHash === kernelHash && built.image.hash === imageHash;
}

/** Builds what an experiment file needs. */
export async function ensureBuilt(kernels: Iterable<Manifest["kernel"]>, progress: Progress): Promise<void> {
  for (const variant of new Set(kernels)) await ensureKernel(variant, progress);
  await ensureImage(progress);
}
