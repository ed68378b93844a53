/** The subcommands of `crlab`, each in a file of its own, loaded when called. */
import type { Subcommand } from "./command.js";

interface Entry {
  summary: string;
  load: () => Promise<{ default: Subcommand }>;
}

export const subcommands: Readonly<Record<string, Entry>> = {
  run: { summary: "run an experiment file or a sweep, headless", load: () => import("./run.js") },
  exec: { summary: "run a command in a throw-away guest", load: () => import("./exec.js") },
  doctor: { summary: "what this machine has, what is missing", load: () => import("./doctor.js") },
  kernel: {
    summary: "build a kernel: base, cr, debug, or one of them with changes of yours",
    load: () => import("./kernel.js"),
  },
  image: { summary: "build the guest image", load: () => import("./image.js") },
};
