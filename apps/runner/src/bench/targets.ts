/** What is to be reached, as ratios within one run; and whether it was. */
import { type BenchResult, type BenchTarget, type Contender, formatNs } from "@crlab/shared";
import { incrementWorkload, TRULY_DIRTY } from "./benches/increments.js";
import { lazyWorkload } from "./benches/lazy.js";
import { memoryWorkload } from "./benches/memory.js";
import { pauseWorkload } from "./benches/pauses.js";
import { MOVED } from "./benches/precopy.js";
import { REDIS } from "./benches/redis.js";
import { OUR_TRACKERS, PROC_SOFT_DIRTY, trackerWorkload, UNTRACKED } from "./benches/trackers.js";
import { treeWorkload } from "./benches/trees.js";
import { TRIVIAL } from "./benches/trivial.js";
import { UNLINKED_BYTES, unlinkedWorkload } from "./benches/unlinked.js";
import { profileOf } from "./profile.js";
import { findResult, medianOf } from "./recorder.js";

type Results = readonly BenchResult[];

/** The targets of the benches that were run. */
export function judge(results: Results, ran: ReadonlySet<string>): BenchTarget[] {
  return targets
    .filter((target) => ran.has(target.bench))
    .map(({ name, bench, judge, workload }) => {
      const outcome = judge(results);
      const profile = outcome.met ? null : profileOf(results, bench, workload);
      return { name, ...outcome, ...(profile !== null && { profile }) };
    });
}

interface Target {
  bench: string;
  name: string;
  /** Whose profile is shown if it is missed; default: all of its bench that have one. */
  workload?: string;
  judge: (results: Results) => Omit<BenchTarget, "name">;
}

interface Quotient {
  workload: string;
  metric: string;
}

/** The rival's median over ours: how many times as fast. */
function timesAsFast(bench: string, name: string, of: Quotient, least: number): Target {
  return {
    bench,
    name,
    workload: of.workload,
    judge: (results) => {
      const key = { bench, ...of };
      const ours = medianOf(results, { ...key, contender: "crlab" });
      const rival = medianOf(results, { ...key, contender: "criu" });
      const ratio = ours === null || rival === null ? null : rival / ours;
      return verdict(
        `at least ${least} times as fast as CRIU`,
        ratio,
        (r) => r >= least,
        (r) => `${round(r)} times`,
        whyNot(results, key, ["crlab", "criu"]),
      );
    },
  };
}

/** Our median over the limit's. */
function nearTheLimit(bench: string, name: string, ours: Quotient, limitMetric: string, most: number): Target {
  return {
    bench,
    name,
    workload: ours.workload,
    judge: (results) => {
      const us = medianOf(results, { bench, ...ours, contender: "crlab" });
      const limit = medianOf(results, { bench, workload: ours.workload, contender: "limit", metric: limitMetric });
      return verdict(
        `at most ${most} times the limit`,
        us === null || limit === null ? null : us / limit,
        (r) => r <= most,
        (r) => `${round(r)} times`,
        whyNot(results, { bench, ...ours }, ["crlab", "limit"]),
      );
    },
  };
}

function verdict(
  wanted: string,
  value: number | null,
  met: (value: number) => boolean,
  words: (value: number) => string,
  why: string | null,
): Omit<BenchTarget, "name"> {
  if (value === null) return { wanted, got: why, met: false };
  return { wanted, got: words(value), met: met(value) };
}

function whyNot(
  results: Results,
  key: Omit<Parameters<typeof findResult>[1], "contender">,
  who: Contender[],
): string | null {
  for (const contender of who) {
    const refusal = findResult(results, { ...key, contender })?.refusal;
    if (refusal !== undefined) return `${contender} refused: ${refusal}`;
  }
  return null;
}

const round = (ratio: number): string => (ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2));

/**
 * Our time for each child more, in large trees compared with small ones. Between trees of 1 and of 10 there is less
 * than one of them varies by.
 */
const flatCost: Target = {
  bench: "trees",
  name: "trees: cost of a process more, 100 to 500 and 500 to 1000 against 10 to 100",
  judge: (results) => {
    const time = (children: number, metric: string) =>
      medianOf(results, { bench: "trees", workload: treeWorkload(children), contender: "crlab", metric });
    const ratios = ["dumpNs", "restoreNs"].map((metric) => {
      const [few, some, many, most] = [time(10, metric), time(100, metric), time(500, metric), time(1000, metric)];
      if (few === null || some === null || many === null || most === null || some <= few) return null;
      return Math.max((many - some) / 400, (most - many) / 500) / ((some - few) / 90);
    });
    const worst = ratios.some((r) => r === null) ? null : Math.max(...ratios.map((r) => r ?? 0));
    return verdict(
      "flat: at most 1.5 times",
      worst,
      (r) => r <= 1.5,
      (r) => `${round(r)} times`,
      null,
    );
  },
};

const relinkFlat: Target = {
  bench: "unlinked",
  name: "unlinked file: dump of 1 KiB to 1 GiB",
  judge: (results) => {
    const times = UNLINKED_BYTES.map((bytes) =>
      medianOf(results, { bench: "unlinked", workload: unlinkedWorkload(bytes), contender: "crlab", metric: "dumpNs" }),
    );
    const known = times.filter((t) => t !== null);
    const ratio = known.length < times.length ? null : Math.max(...known) / Math.min(...known);
    return verdict(
      "the same within 1.5 times",
      ratio,
      (r) => r <= 1.5,
      (r) => `${round(r)} times`,
      null,
    );
  },
};

function incrementPages(percent: number, thp: boolean): Target {
  const workload = incrementWorkload(percent, thp);
  return {
    bench: "increments",
    name: `increment, ${workload}: pages written`,
    workload,
    judge: (results) => {
      const dirty = TRULY_DIRTY(percent);
      const base = medianOf(results, {
        ...{ bench: "increments", workload: incrementWorkload(0, thp), contender: "crlab", metric: "pages" },
      });
      const pages = medianOf(results, { bench: "increments", workload, contender: "crlab", metric: "pages" });
      // Its own stack and counters are dirty, too: what it writes when nothing was rewritten.
      const ratio = base === null || pages === null ? null : (pages - base) / dirty;
      return verdict(
        "at most 1.01 times those truly dirty",
        ratio,
        (r) => r <= 1.01,
        (r) => `${r.toFixed(3)} times`,
        whyNot(results, { bench: "increments", workload, metric: "dumpNs" }, ["crlab"]),
      );
    },
  };
}

function incrementTime(percent: number, thp: boolean): Target {
  const workload = incrementWorkload(percent, thp);
  return {
    bench: "increments",
    name: `increment, ${workload}: time`,
    workload,
    judge: (results) => {
      const ours = (of: string, metric: string) =>
        medianOf(results, { bench: "increments", workload: of, contender: "crlab", metric });
      const none = incrementWorkload(0, thp);
      // At rest: the command's start and end are the same for all, and vary by more than a hundredth of a full dump.
      const [full, time] = [ours(workload, "fullFrozenNs"), ours(workload, "frozenNs")];
      const ofNone = ours(none, "frozenNs");
      // One write splits a huge page's mapping: where pages are rewritten, there is more for the tracker to walk.
      const [walk, walkOfNone] = [ours(workload, "trackerWalkNs"), ours(none, "trackerWalkNs")];
      const ratio =
        full === null || time === null || ofNone === null || walk === null || walkOfNone === null
          ? null
          : (time - walk - (ofNone - walkOfNone)) / ((percent / 100) * full);
      return verdict(
        "at rest at most 1.3 times the dirty part of a full dump, besides the walk",
        ratio,
        (r) => r <= 1.3,
        (r) => `${round(r)} times`,
        whyNot(results, { bench: "increments", workload, metric: "dumpNs" }, ["crlab"]),
      );
    },
  };
}

const livePause: Target = {
  bench: "pauses",
  name: "live checkpoint's pause, 1 GiB written",
  workload: pauseWorkload(1024),
  judge: (results) => {
    const of = (metric: string) =>
      medianOf(results, { bench: "pauses", workload: pauseWorkload(1024), contender: "crlab", metric });
    const [full, live] = [of("fullFrozenNs"), of("liveFrozenNs")];
    return verdict(
      "at most a twentieth of the full dump's frozen time",
      full === null || live === null ? null : full / live,
      (r) => r >= 20,
      (r) => `1/${round(r)}`,
      whyNot(results, { bench: "pauses", workload: pauseWorkload(1024), metric: "fullFrozenNs" }, ["crlab"]),
    );
  },
};

/** What the tracker adds to a write, of the best of ours, beside soft-dirty through /proc. */
const trackingOverhead: Target = {
  bench: "trackers",
  name: "tracking overhead, best tracker, 100 ms epochs, 4 KiB pages",
  judge: (results) => {
    const of = (workload: string, contender: Contender) =>
      medianOf(results, { bench: "trackers", workload, contender, metric: "writeNs" });
    const base = of(UNTRACKED, "limit");
    const proc = of(PROC_SOFT_DIRTY, "criu");
    const ours = OUR_TRACKERS.flatMap((name) => {
      const ns = of(trackerWorkload(name), "crlab");
      return ns === null ? [] : [{ name, ns }];
    }).sort((a, b) => a.ns - b.ns);
    const best = ours[0];
    const ratio =
      base === null || proc === null || best === undefined || proc <= base ? null : (best.ns - base) / (proc - base);
    return verdict(
      "at most a quarter of soft-dirty's through /proc",
      ratio,
      (r) => r <= 0.25,
      (r) => `${best?.name}: ${r.toFixed(2)} of it`,
      whyNot(results, { bench: "trackers", workload: PROC_SOFT_DIRTY, metric: "writeNs" }, ["criu"]),
    );
  },
};

const downtime: Target = {
  bench: "precopy",
  name: "pre-copy downtime, 256 MiB, 10 % a second rewritten",
  judge: (results) => {
    const of = (how: string) =>
      medianOf(results, {
        ...{ bench: "precopy", workload: `${MOVED}: ${how}`, contender: "crlab", metric: "downtimeNs" },
      });
    const [pre, stop] = [of("pre-copy"), of("stop and copy")];
    return verdict(
      "at most a tenth of stop and copy",
      pre === null || stop === null ? null : stop / pre,
      (r) => r >= 10,
      (r) => `1/${round(r)}`,
      null,
    );
  },
};

const lazyRestore = (mib: number): Target => {
  const workload = lazyWorkload(mib);
  return {
    bench: "lazy",
    name: `${workload}: lazy restore`,
    workload,
    judge: (results) =>
      verdict(
        "running within 20 ms",
        medianOf(results, { bench: "lazy", workload, contender: "crlab", metric: "runningNs" }),
        (ns) => ns <= 20e6,
        formatNs,
        whyNot(results, { bench: "lazy", workload, metric: "runningNs" }, ["crlab"]),
      ),
  };
};

const targets: readonly Target[] = [
  timesAsFast("trivial", "trivial process: dump", { workload: TRIVIAL, metric: "dumpNs" }, 15),
  timesAsFast("trivial", "trivial process: restore", { workload: TRIVIAL, metric: "restoreNs" }, 15),
  timesAsFast("trivial", "trivial process: frozen time", { workload: TRIVIAL, metric: "frozenNs" }, 30),
  ...[100, 500].flatMap((n) => [
    timesAsFast("trees", `tree of ${n}: dump`, { workload: treeWorkload(n), metric: "dumpNs" }, 50),
    timesAsFast("trees", `tree of ${n}: restore`, { workload: treeWorkload(n), metric: "restoreNs" }, 20),
  ]),
  flatCost,
  ...[256, 1024].flatMap((mib) => {
    const workload = memoryWorkload(mib);
    return [
      timesAsFast("memory", `${workload}: frozen time of a full dump`, { workload, metric: "frozenNs" }, 2),
      nearTheLimit(
        "memory",
        `${workload}: frozen time, beside the limit`,
        { workload, metric: "frozenNs" },
        "dumpNs",
        1.15,
      ),
      timesAsFast("memory", `${workload}: restore`, { workload, metric: "restoreNs" }, 4),
      nearTheLimit(
        "memory",
        `${workload}: restore, beside the limit`,
        { workload, metric: "restoreNs" },
        "restoreNs",
        1.25,
      ),
    ];
  }),
  timesAsFast("redis", `${REDIS}: dump`, { workload: REDIS, metric: "dumpNs" }, 8),
  timesAsFast("redis", `${REDIS}: restore`, { workload: REDIS, metric: "restoreNs" }, 5),
  ...[false, true].flatMap((thp) =>
    [1, 10, 50].flatMap((percent) => [incrementPages(percent, thp), incrementTime(percent, thp)]),
  ),
  lazyRestore(256),
  lazyRestore(1024),
  livePause,
  trackingOverhead,
  relinkFlat,
  downtime,
];
