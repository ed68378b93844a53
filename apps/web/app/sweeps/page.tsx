import { foldAll } from "@crlab/shared";
import type { Metadata } from "next";
import { DataTable } from "../../components/data-table";
import { Fresh } from "../../components/fresh";
import { Link } from "../../components/link";
import { LinkBanner } from "../../components/link-banner";
import { Pages } from "../../components/pages";
import { SiteHeader } from "../../components/site-header";
import { NewSweep, type SweepBase } from "../../components/sweep/new-sweep";
import { fileOf } from "../../lib/archive";
import { one, pageOf, type Query } from "../../lib/query";
import { guessRunMs, shippedExperiments } from "../../lib/shipped";
import { recentExperiments, storedExperiment } from "../../lib/stored";
import { recentSweeps, SWEEPS_A_PAGE } from "../../lib/sweeps";
import { formatAgo } from "../../lib/time";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "Sweeps" };

const pills = { running: "pill running", done: "pill", stopped: "pill warn" } as const;

/** An experiment of one's own, to be run again and again, or over a grid. */
async function ownBase(id: string): Promise<SweepBase | null> {
  const stored = await storedExperiment(id);
  if (!stored) return null;
  const view = foldAll(stored.events);
  return { file: fileOf(view), runMs: view.lastMs };
}

export default async function SweepsPage({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const page = pageOf(query);
  const from = one(query.from);
  const own = from === undefined ? null : await ownBase(from);
  const [{ sweeps, total }, shipped, recent] = await Promise.all([
    recentSweeps(page),
    shippedExperiments(),
    recentExperiments(""),
  ]);
  const now = new Date();
  // The latest finished run of the same title says how long one takes; before that, a guess.
  const bases = shipped.map(({ file }) => {
    const last = recent.experiments.find((e) => e.title === file.title && e.view.status === "ended");
    return { file, runMs: last?.lastMs ?? guessRunMs(file) };
  });
  return (
    <>
      <SiteHeader here="/sweeps" />
      <Fresh path="/sweeps" served={now.toISOString()} />
      <LinkBanner />
      <main className={styles.main}>
        <h1>Sweeps</h1>
        <p className={styles.lead}>
          One experiment over a grid of settings, several times each: medians with their spread, and what changes.
        </p>
        <NewSweep
          bases={own === null ? bases : [own, ...bases.filter(({ file }) => file.title !== own.file.title)]}
          first={own?.file.title ?? "Only what changed"}
        />
        <div className={styles.recent}>
          <h2>Recent</h2>
        </div>
        <div className={styles.list}>
          {sweeps.length === 0 ? (
            <p className={styles.empty}>{page === 1 ? "None yet." : "There are not so many."}</p>
          ) : (
            <DataTable
              testId="sweeps"
              rows={sweeps}
              keyOf={(s) => s.id}
              stacks
              columns={[
                { head: <>Sweep</>, className: styles.name, cell: (s) => <Link href={`/s/${s.id}`}>{s.title}</Link> },
                { head: <>State</>, cell: (s) => <span className={pills[s.status]}>{s.status}</span> },
                { head: "Runs", num: true, cell: (s) => `${s.done} of ${s.runs}` },
                {
                  head: "Over",
                  className: "mono",
                  cell: (s) => Object.keys(s.file.sweep?.over ?? {}).join(" × ") || "repeats",
                },
                { head: "When", className: "dim", cell: (s) => formatAgo(new Date(s.createdAt), now) },
              ]}
            />
          )}
        </div>
        <Pages path="/sweeps" page={page} size={SWEEPS_A_PAGE} total={total} />
      </main>
    </>
  );
}
