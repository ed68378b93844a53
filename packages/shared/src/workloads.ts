/**
 * The workloads that come with the guest image. Each runs for ever, prints progress,
 * and on SIGUSR1 judges itself with one line `verify: ok ...` or `verify: FAIL ...`.
 */
export interface Workload {
  name: string;
  title: string;
  /** What it lets one see, in a sentence. */
  shows: string;
  args: readonly string[];
  /** How a line tells how far it has come, and of what: the rate of this is its throughput. */
  progress?: { line: RegExp; of: string };
}

export const workloads = [
  {
    name: "counter",
    title: "Counter",
    shows: "The smallest process that can tell whether it was resumed where it stopped.",
    args: [],
    progress: { line: /^counter: (\d+)\r?$/, of: "counts" },
  },
  {
    name: "memwriter",
    title: "Memory writer",
    shows: "Rewrites part of its heap at a steady rate: what an incremental checkpoint has to find.",
    args: ["--size", "32", "--rate", "200"],
    progress: { line: /^memwriter: (\d+) pages rewritten/, of: "pages" },
  },
  {
    name: "unlinked-holder",
    title: "Unlinked file holder",
    shows: "Keeps writing to a file that no longer has a name.",
    args: ["--unlink"],
    progress: { line: /^unlinked-holder: (\d+) records rewritten/, of: "records" },
  },
  {
    name: "proctree",
    title: "Process tree",
    shows: "A parent with children and grandchildren that talk through pipes.",
    args: [],
    progress: { line: /^proctree: round (\d+)/, of: "rounds" },
  },
  {
    name: "threads",
    title: "Threads",
    shows: "Threads that hand work to each other through futexes, each with its own thread-local state.",
    args: [],
    progress: { line: /^threads: turn (\d+)/, of: "turns" },
  },
  {
    name: "locks",
    title: "File locks",
    shows: "A POSIX lock, an OFD lock, a BSD lock and a lease: would another process still meet them?",
    args: [],
  },
  {
    name: "nameless",
    title: "Things without a name",
    shows: "A removed working directory, an unlinked FIFO with bytes in it, and a nameless file shared with a child.",
    args: [],
  },
  {
    name: "watcher",
    title: "Watcher",
    shows: "Watches files that are renamed, replaced and unlinked, and always leaves some events unread.",
    args: ["--act"],
    progress: { line: /^watcher: (\d+) events made/, of: "events" },
  },
] as const satisfies readonly Workload[];

export const workloadNames: readonly string[] = workloads.map((w) => w.name);

export function findWorkload(name: string): Workload | undefined {
  return workloads.find((w) => w.name === name);
}
