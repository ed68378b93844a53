import type { Metadata } from "next";
import { DataTable } from "../../components/data-table";
import { Fresh } from "../../components/fresh";
import { Link } from "../../components/link";
import { LinkBanner } from "../../components/link-banner";
import { Pages } from "../../components/pages";
import { SiteHeader } from "../../components/site-header";
import { NewSweep } from "../../components/sweep/new-sweep";
import { pageOf, type Query } from "../../lib/query";
import { guessRunMs, shippedExperiments } from "../../lib/shipped";
import { recentExperiments } from "../../lib/stored";
import { recentSweeps, SWEEPS_A_PAGE } from "../../lib/sweeps";
import { formatAgo } from "../../lib/time";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "Sweeps" };

const pills = { running: "pill running", done: "pill", stopped: "pill warn" } as const;

export default async function SweepsPage({ searchParams }: { searchParams: Promise<Query> }) {
  const page = pageOf(await searchParams);
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
        <NewSweep bases={bases} />
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
                { head: "Over", className: "mono", cell: (s) => Object.keys(s.file.sweep?.over ?? {}).join(" × ") },
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
