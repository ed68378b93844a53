/** `crlab image build`. */
import { ensureImage } from "../build/image.js";
import { stage } from "../build/stages.js";
import { type Subcommand, UsageError } from "./command.js";

const subcommand: Subcommand = {
  usage: [
    "image build",
    "",
    "Builds the guest image from images/ and kernel/{tools,selftests}; after an edit, only what changed.",
    "Prints the image's file.",
  ],
  async run(args) {
    if (args.length !== 1 || args[0] !== "build") throw new UsageError("what to do with the image?");
    const image = await stage("guest image", ensureImage, { expectedS: 90 });
    process.stdout.write(`${image.rootExt4}\n`);
    return 0;
  },
};
export default subcommand;
