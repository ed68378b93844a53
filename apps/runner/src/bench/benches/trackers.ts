import { z } from "zod";
import { Refusal } from "../bench-guest.js";
import type { Key } from "../recorder.js";
import type { Bench, BenchContext } from "./bench.js";

const MIB = 256;
const EPOCHS = 10;
const EPOCH_S = 0.1;
const FILE = "/run/writeloop";
const PROGRAM = "/usr/lib/crlab/bench/writeloop";

export const OUR_TRACKERS = ["scan", "wp", "soft-dirty", "hash"] as const;
export const trackerWorkload = (how: string): string => `${MIB} MiB, a byte to each page: ${how}`;
export const UNTRACKED = trackerWorkload("untracked");
export const PROC_SOFT_DIRTY = trackerWorkload("soft-dirty through /proc");

/** An increment each epoch, to where nothing is kept: what is measured is the tracker. */
const increments = (tracker: string) => `
id=$(checkpoint --json --tracker ${tracker} -o /dev/null $pid | sed 's/.*"imageId":"\\([0-9a-f]*\\)".*/\\1/')
begin
for _ in $(seq ${EPOCHS}); do
	sleep ${EPOCH_S}
	json=$(checkpoint --json --parent-id $id -o /dev/null $pid) || exit 1
	id=$(echo "$json" | sed 's/.*"imageId":"\\([0-9a-f]*\\)".*/\\1/')
	walk=$((walk + $(echo "$json" | sed 's/.*"trackerWalkNs":\\([0-9]*\\).*/\\1/')))
	faults=$((faults + $(echo "$json" | sed 's/.*"trackerFaults":\\([0-9]*\\).*/\\1/')))
done`;

/** As CRIU has it from mainline: the writer pays in faults, who clears in time. */
const throughProc = `
echo 4 > /proc/$pid/clear_refs
begin
for _ in $(seq ${EPOCHS}); do
	sleep ${EPOCH_S}
	from=\${EPOCHREALTIME/./}
	echo 4 > /proc/$pid/clear_refs
	walk=$((walk + (\${EPOCHREALTIME/./} - from) * 1000))
done`;

const untracked = `
begin
for _ in $(seq ${EPOCHS}); do sleep ${EPOCH_S}; done`;

const script = (epochs: string) => `
answer() { while [ ! -e ${FILE} ]; do kill -0 $pid || exit 1; sleep 0.005; done; }
begin() { rm -f ${FILE}; kill -USR2 $pid; answer; }
pid=$1 walk=0 faults=0
${epochs}
rm -f ${FILE}; kill -USR1 $pid; answer
echo $(cat ${FILE}) $walk $faults`;

const said = z.tuple([z.number().positive(), z.number().positive(), z.number(), z.number()]);

async function measure(context: BenchContext, who: Omit<Key, "bench" | "metric">, epochs: string): Promise<void> {
  const { guest, recorder } = context;
  const pid = await guest.launch([PROGRAM, String(MIB), FILE], FILE);
  try {
    const { exitCode, stdout, stderr } = await guest.guest.exec(["bash", "-c", script(epochs), "bash", String(pid)], {
      timeoutMs: 120_000,
    });
    if (exitCode !== 0) throw new Refusal(stderr.toString().trim());
    const [pages, cpuNs, walkNs, faults] = said.parse(stdout.toString().trim().split(" ").map(Number));
    const record = (metric: string, value: number) => recorder.add({ bench: "trackers", ...who, metric }, value);
    // What a write costs: its own time, faults included, and its share of reading and resetting the tracker.
    record("writeNs", (cpuNs + walkNs) / pages);
    if (who.workload === UNTRACKED) return;
    record("walkNs", walkNs / EPOCHS);
    if (who.contender === "crlab") record("faults", faults / EPOCHS);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    recorder.refuse({ bench: "trackers", ...who, metric: "writeNs" }, error.message);
  } finally {
    await guest.end(pid);
  }
}

export const trackers: Bench = {
  name: "trackers",
  about: `a loop that writes to ${MIB} MiB, tracked in epochs of ${EPOCH_S * 1000} ms by each tracker`,
  async run(context) {
    const turns = [
      ...OUR_TRACKERS.map((name) => ({
        who: { workload: trackerWorkload(name), contender: "crlab" as const },
        epochs: increments(name),
      })),
      { who: { workload: UNTRACKED, contender: "limit" as const }, epochs: untracked },
      { who: { workload: PROC_SOFT_DIRTY, contender: "criu" as const }, epochs: throughProc },
    ];
    for (let round = 0; round < context.rounds; round++)
      for (const { who, epochs } of turns) {
        context.progress(`trackers: round ${round + 1} of ${context.rounds}: ${who.workload}`);
        await measure(context, who, epochs);
      }
  },
};
