/** The guest that the bench measures in, and what it can be asked to do. */
import { z } from "zod";
import type { Guest } from "../guest/guest.js";

const PROGRAMS = "/usr/lib/crlab/bench";
/** A tmpfs for images: the disk is not what is measured. */
export const IMAGES = "/bench";
const COMMAND_LIMIT_MS = 600_000;

const timedJson = z.object({ ns: z.number(), status: z.int() });

/** Something a contender would not do, in its own words. */
export class Refusal extends Error {}

export class BenchGuest {
  constructor(readonly guest: Guest) {}

  async prepare(): Promise<void> {
    await this.sh(`mkdir -p ${IMAGES} && mount -t tmpfs -o size=80%,huge=never bench ${IMAGES}`);
    // The host gives memory when it is written to for the first time: nobody who is measured is to wait for that.
    await this.sh(
      `head -c $(awk '/MemFree/ {print int($2 * 0.75) "K"}' /proc/meminfo) /dev/zero > ${IMAGES}/all; rm ${IMAGES}/all`,
    );
  }

  /** Standard output of a shell command that must succeed. */
  async sh(command: string): Promise<string> {
    const { exitCode, signal, stdout, stderr } = await this.guest.exec(["bash", "-c", command], {
      timeoutMs: COMMAND_LIMIT_MS,
    });
    if (exitCode === 0) return stdout.toString().trim();
    throw new Error(`${command}: ended with ${exitCode ?? `signal ${signal}`}: ${stderr.toString().trim()}`);
  }

  /** Runs a command and times it by the guest's clock, from fork to its end. `output` is what it said. */
  async timed(argv: readonly string[]): Promise<{ ns: number; status: number; output: string }> {
    const { stdout, stderr } = await this.guest.exec([`${PROGRAMS}/timed`, ...argv], { timeoutMs: COMMAND_LIMIT_MS });
    const { ns, status } = timedJson.parse(JSON.parse(stdout.toString()));
    return { ns, status, output: stderr.toString() };
  }

  /** Output of one of the bench's programs. */
  program(name: string, ...args: string[]): Promise<string> {
    return this.sh([`${PROGRAMS}/${name}`, ...args].join(" "));
  }

  /** Starts a command without a tie to us; the pid. With `ready`, waits until it has made that file. */
  async launch(argv: readonly string[], ready?: string): Promise<number> {
    return Number(await this.program("launch", ready ?? "-", ...argv));
  }

  /** Starts the process that is to be measured on. */
  subject(...options: string[]): Promise<number> {
    return this.launch([`${PROGRAMS}/subject`, ...options, "--ready", READY], READY);
  }

  /** Asks the subject for something by a signal and waits for its answer. */
  ask(pid: number, signal: "USR1" | "USR2"): Promise<string> {
    return this.sh(
      `rm -f ${READY}; kill -${signal} ${pid}; while [ ! -e ${READY} ]; do kill -0 ${pid} || exit 1; sleep 0.01; done; cat ${READY}`,
    );
  }

  /** Kills a tree and waits until no task of it is left. */
  async end(pid: number): Promise<void> {
    await this.sh(
      `tree() { local c; for c in $(cat /proc/$1/task/*/children 2>/dev/null); do tree $c; done; echo $1; }; p=$(tree ${pid}); kill -KILL $p 2>/dev/null; for x in $p; do while [ -e /proc/$x ] && ! grep -q '^State:.Z' /proc/$x/status 2>/dev/null; do sleep 0.01; done; done; true`,
    );
    await this.gone(pid);
  }

  /** Waits until a pid is free again. */
  async gone(pid: number): Promise<void> {
    await this.sh(`while [ -e /proc/${pid} ]; do sleep 0.01; done`);
  }
}

const READY = "/run/bench.ready";
