/** `crlab image build`. */
import { ensureImage, imageNames } from "../build/image.js";
import { stage } from "../build/stages.js";
import { type Subcommand, UsageError } from "./command.js";

const subcommand: Subcommand = {
  usage: [
    "image build [NAME]",
    "",
    "Builds the guest image from images/ and kernel/{tools,selftests}; after an edit, only what changed.",
    `NAME is one of ${imageNames.join(", ")} (bookworm). Prints the image's file.`,
  ],
  async run(args) {
    const [verb, wanted = "bookworm"] = args;
    if (args.length > 2 || verb !== "build") throw new UsageError("what to do with the image?");
    const name = imageNames.find((known) => known === wanted);
    if (!name) throw new UsageError(`no image "${wanted}"; there are ${imageNames.join(", ")}`);
    const expectedS = name === "bookworm" ? 90 : 600;
    const image = await stage(`guest image ${name}`, (progress) => ensureImage(progress, name), { expectedS });
    process.stdout.write(`${image.rootExt4}\n`);
    return 0;
  },
};
export default subcommand;
