/** Those who are compared: the same work asked of each, through its own command. */
import { z } from "zod";
import { dumpStatistics } from "../engine/criu-stats.js";
import { type BenchGuest, IMAGES, Refusal } from "./bench-guest.js";

export interface DumpOptions {
  /** Name of the image. */
  name: string;
  /** Image this one is an increment over. */
  parent?: string;
  /** Let the tree run on, so that an increment can follow. */
  keepRunning?: boolean;
  /** Ours only: let it run while its memory is written. */
  live?: boolean;
}

export interface Dump {
  /** The command, from fork to its end. */
  wallNs: number;
  /** How long the tree stood still, as the contender tells it. */
  frozenNs: number;
  imageBytes: number;
  /** Pages with contents in the image. */
  pages: number;
  /** Where the time went, as far as the contender tells. */
  phases?: Record<string, number>;
}

export interface Restore {
  /** The command, from fork to its end. */
  wallNs: number;
  phases?: Record<string, number>;
}

export interface Engine {
  name: "crlab" | "criu";
  dump(guest: BenchGuest, pid: number, options: DumpOptions): Promise<Dump>;
  restore(guest: BenchGuest, name: string): Promise<Restore>;
  forget(guest: BenchGuest, ...names: string[]): Promise<void>;
}

const checkpointJson = z.object({
  ...{ bytes: z.number(), pages: z.number(), frozenNs: z.number(), totalNs: z.number() },
  trackerWalkNs: z.number().default(0),
});
const restartJson = z.object({ totalNs: z.number() });

const jsonLine = (output: string): unknown => {
  const line = output.split("\n").find((text) => text.startsWith("{"));
  return line === undefined ? undefined : JSON.parse(line);
};

/** restart(1) with more options. */
export async function restart(guest: BenchGuest, name: string, ...more: string[]): Promise<Restore> {
  const argv = ["restart", "--json", "--detach", ...more, "-i", `${IMAGES}/${name}.ckpt`];
  const { ns, status, output } = await guest.timed(argv);
  if (status !== 0) throw new Refusal(output.trim());
  const { totalNs } = restartJson.parse(jsonLine(output));
  return { wallNs: ns, phases: { restoreKernelNs: totalNs, restoreCommandNs: ns - totalNs } };
}

export const crlab: Engine = {
  name: "crlab",
  async dump(guest, pid, { name, parent, keepRunning, live }) {
    const { ns, status, output } = await guest.timed([
      ...["checkpoint", "--json", "-o", `${IMAGES}/${name}.ckpt`],
      ...(parent === undefined ? [] : ["--parent", `${IMAGES}/${parent}.ckpt`]),
      ...(live ? ["--live"] : keepRunning ? [] : ["--kill"]),
      String(pid),
    ]);
    if (status !== 0) throw new Refusal(output.trim());
    const { bytes, pages, frozenNs, totalNs, trackerWalkNs } = checkpointJson.parse(jsonLine(output));
    const phases = { dumpKernelNs: totalNs, dumpCommandNs: ns - totalNs, trackerWalkNs };
    return { wallNs: ns, frozenNs, imageBytes: bytes, pages, phases };
  },
  restore: (guest, name) => restart(guest, name),
  async forget(guest, ...names) {
    await guest.sh(`rm -f ${names.map((name) => `${IMAGES}/${name}.ckpt`).join(" ")}`);
  },
};

/** The last lines of CRIU's log that say what went wrong. */
async function criuRefusal(guest: BenchGuest, log: string): Promise<Refusal> {
  const said = await guest.sh(`grep -E 'Error' ${log} | tail -n 2 || true`);
  return new Refusal(said === "" ? `criu failed and ${log} has no error` : said);
}

export const criu: Engine = {
  name: "criu",
  async dump(guest, pid, { name, parent, keepRunning }) {
    const dir = `${IMAGES}/${name}.criu`;
    await guest.sh(`mkdir -p ${dir}`);
    const { ns, status } = await guest.timed([
      ...["criu", "dump", "-t", String(pid), "-D", dir, "-o", "dump.log", "--ghost-limit", "2G"],
      ...(parent === undefined ? [] : ["--prev-images-dir", `../${parent}.criu`]),
      ...(parent !== undefined || keepRunning ? ["--track-mem"] : []),
      ...(keepRunning ? ["--leave-running"] : []),
    ]);
    if (status !== 0) throw await criuRefusal(guest, `${dir}/dump.log`);
    const statistics = dumpStatistics(await guest.guest.readFile(`${dir}/stats-dump`));
    const imageBytes = Number((await guest.sh(`du -sb ${dir}`)).split("\t")[0]);
    return {
      wallNs: ns,
      frozenNs: statistics.frozenUs * 1000,
      imageBytes,
      pages: statistics.pagesWritten,
    };
  },
  async restore(guest, name) {
    const dir = `${IMAGES}/${name}.criu`;
    const { ns, status } = await guest.timed(["criu", "restore", "-D", dir, "-o", "restore.log", "--restore-detached"]);
    if (status !== 0) throw await criuRefusal(guest, `${dir}/restore.log`);
    return { wallNs: ns };
  },
  async forget(guest, ...names) {
    await guest.sh(`rm -rf ${names.map((name) => `${IMAGES}/${name}.criu`).join(" ")}`);
  },
};

export const engines: readonly Engine[] = [crlab, criu];
