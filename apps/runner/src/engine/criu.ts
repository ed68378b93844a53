/**
 * CRIU, as the guest's Debian has it. Its image is a folder; what is in it, this lab does not read. A terminal is none of
 * the tree's, so it is left out by its device, and handed back at the restart.
 */
import type { CheckpointFigures } from "@crlab/shared";
import { z } from "zod";
import { StepError } from "../experiment/errors.js";
import type { ExecResult } from "../experiment/guest-port.js";
import { dumpStatistics } from "./criu-stats.js";
import type { CrEngine, RunInGuest } from "./engine.js";

/** Runs a command and says on standard output how long it took. */
const TIMED = "/usr/lib/crlab/bench/timed";
const timedJson = z.object({ ns: z.int(), status: z.int() });
/** Beside the images: where the terminal is, and what CRIU calls it. */
const TERMINAL = "crlab-terminal";
const PAGE_BYTES = 4096;

export const criuEngine: CrEngine = {
  async checkpoint(run, { pid, path, parentPath, kill }) {
    await succeed(run, ["mkdir", "-p", path]);
    const terminal = await terminalOf(run, pid);
    await succeed(run, ["sh", "-c", 'printf %s "$1" >"$2"', "sh", JSON.stringify(terminal), `${path}/${TERMINAL}`]);
    const totalNs = await timed(run, "dump", path, [
      ...[TIMED, "criu", "dump", "-t", String(pid), "-D", path, "-o", "dump.log"],
      ...["--ghost-limit", "2G", "--link-remap"],
      ...(parentPath === undefined ? [] : ["--prev-images-dir", `../${parentPath.split("/").at(-1)}`]),
      ...["--track-mem", ...(kill ? [] : ["--leave-running"])],
      ...(terminal === null ? [] : ["--external", terminal.id]),
    ]);
    const { frozenUs, pagesWritten, pagesInParent } = dumpStatistics(await contents(run, `${path}/stats-dump`));
    const { own } = await sizes(run, path);
    return {
      ...own,
      parentImageId: parentPath ?? null,
      pages: pagesWritten,
      zeroPages: 0,
      parentPages: pagesInParent,
      frozenNs: frozenUs * 1000,
      totalNs,
      tracker: "soft-dirty",
    };
  },

  async dryRun() {
    throw new StepError("criu.beyond", "CRIU cannot say beforehand what stands in the way");
  },

  async read(_, path) {
    throw new StepError("criu.image", `${path} is CRIU's: what is in it, this lab does not read`, {
      hint: "crit, of Debian's python3-pycriu, does",
    });
  },

  async restore(run, path) {
    const text = (await contents(run, `${path}/${TERMINAL}`)).toString("utf8");
    const terminal = terminalJson.parse(JSON.parse(text));
    const pidFile = `${path}/crlab.pid`;
    const command = [
      ...[TIMED, "criu", "restore", "-D", path, "-o", "restore.log", "--restore-detached", "--pidfile", pidFile],
      ...(terminal === null ? [] : ["--inherit-fd", `fd[9]:${terminal.id}`]),
    ];
    await succeed(run, ["rm", "-f", pidFile]);
    const totalNs = await timed(
      run,
      "restore",
      path,
      terminal === null ? command : ["sh", "-c", 'exec 9<>"$0" && exec "$@"', terminal.path, ...command],
    );
    const { own, chain } = await sizes(run, path);
    const rootPid = Number((await contents(run, pidFile)).toString("utf8"));
    return { imageId: own.imageId, tasks: own.tasks, ...chain, totalNs, rootPid };
  },
};

const terminalJson = z.object({ path: z.string(), id: z.string() }).nullable();

/** The terminal that a process has as its standard input; null: it has none. */
async function terminalOf(run: RunInGuest, pid: number): Promise<z.infer<typeof terminalJson>> {
  const file = `/proc/${pid}/fd/0`;
  const said = (await succeed(run, ["stat", "-L", "-c", "%F tty[%R:%D]", file])).stdout.toString("utf8").trim();
  const id = /^character special file (tty\[88[0-9a-f]+:[0-9a-f]+\])$/.exec(said)?.[1];
  if (id === undefined) return null;
  return { id, path: (await succeed(run, ["readlink", file])).stdout.toString("utf8").trim() };
}

type OwnSizes = Pick<
  CheckpointFigures,
  "imageId" | "tasks" | "bytes" | "relinkedFiles" | "copiedFiles" | "copiedBytes"
>;

/** Of the files that an image is; an increment's folder links to the one it builds on, and that one on. */
async function sizes(
  run: RunInGuest,
  path: string,
): Promise<{ own: OwnSizes; chain: { bytes: number; pages: number } }> {
  const listed = await succeed(run, ["find", "-L", path, "-type", "f", "-name", "*.img", "-printf", "%s %d %f\\n"]);
  const chain = listed.stdout
    .toString("utf8")
    .split("\n")
    .flatMap((line) => {
      const [, bytes, depth, name] = /^(\d+) (\d+) (.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [{ bytes: Number(bytes), own: depth === "1", name }];
    });
  const files = chain.filter(({ own }) => own);
  const total = (some: typeof files) => some.reduce((sum, { bytes }) => sum + bytes, 0);
  const copied = files.filter(({ name }) => name.startsWith("ghost-file-"));
  return {
    own: {
      // It gives its images none; the folder is what tells them apart.
      imageId: path,
      tasks: files.filter(({ name }) => name.startsWith("core-")).length,
      bytes: total(files),
      relinkedFiles: 0,
      copiedFiles: copied.length,
      copiedBytes: total(copied),
    },
    chain: {
      bytes: total(chain),
      pages: total(chain.filter(({ name }) => name.startsWith("pages-"))) / PAGE_BYTES,
    },
  };
}

async function timed(run: RunInGuest, what: "dump" | "restore", path: string, argv: string[]): Promise<number> {
  const { ns, status } = timedJson.parse(JSON.parse((await succeed(run, argv)).stdout.toString("utf8")));
  if (status === 0) return ns;
  const log = await run(["grep", "-E", "Error", `${path}/${what}.log`]);
  const said = log.stdout.toString("utf8").trim().split("\n").slice(-3).join("\n");
  throw new StepError("criu.refused", said === "" ? `criu ${what} ended with ${status} and names no error` : said, {
    hint: `its log: ${path}/${what}.log in the guest`,
  });
}

const contents = async (run: RunInGuest, file: string): Promise<Buffer> => (await succeed(run, ["cat", file])).stdout;

async function succeed(run: RunInGuest, argv: string[]): Promise<ExecResult> {
  const result = await run(argv);
  if (result.exitCode === 0) return result;
  throw new StepError("criu.failed", `${argv[0]}: ${result.stderr.toString("utf8").trim() || "failed"}`);
}
