import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { LinkBanner } from "../../../components/link-banner";
import { SiteHeader } from "../../../components/site-header";
import styles from "../../../components/sweep/sweep.module.css";
import { SweepLive } from "../../../components/sweep/sweep-live";
import { SweepView } from "../../../components/sweep/sweep-view";
import { linkMetadata } from "../../../lib/link-metadata";
import { one, type Query } from "../../../lib/query";
import { storedSweep } from "../../../lib/sweeps";
import home from "../../home.module.css";

type Props = { params: Promise<{ id: string }>; searchParams: Promise<Query> };

const load = cache((id: string) => storedSweep(id));

export async function generateMetadata({ params }: Pick<Props, "params">): Promise<Metadata> {
  const { id } = await params;
  const found = await load(id);
  if (!found) return { title: "Not found" };
  const { title, question } = found.sweep.file;
  const runs = `Sweep, ${found.results.length} of ${found.total} runs.`;
  return linkMetadata(`/s/${id}`, title, `${runs} ${question ?? ""}`.trim());
}

export default async function SweepPage({ params, searchParams }: Props) {
  const { id } = await params;
  const found = await load(id);
  const grid = found?.sweep.file.sweep;
  if (!found || !grid) notFound();
  const { figure, x } = await searchParams;
  const { sweep, total, results, running, cut, runMs } = found;
  const progress = { status: sweep.status, done: results.length, total, running, reason: sweep.reason };
  return (
    <>
      <SiteHeader here="/sweeps" />
      <LinkBanner />
      <main className={home.main}>
        <h1>{sweep.title}</h1>
        {sweep.file.question !== undefined && <p className={home.lead}>{sweep.file.question}</p>}
        <div className={styles.head}>
          <SweepLive id={id} stored={progress} runMs={runMs} />
          <span className={styles.links}>
            <a className="btn" href={`/s/${id}/csv`}>
              CSV
            </a>
            <a className="btn" href={`/s/${id}/report`}>
              Plain-text report
            </a>
            <a className="btn" href={`/s/${id}/file`}>
              Experiment file
            </a>
            <a className="btn" href={`/new?from=${id}`}>
              Edit
            </a>
          </span>
        </div>
        {cut > 0 && (
          <p className="dim">
            {cut === 1 ? "1 run was" : `${cut} runs were`} cut short: such a run counts for nothing and is tried again.
          </p>
        )}
        <SweepView found={found} grid={grid} chosen={{ figure: one(figure), x: one(x) }} />
      </main>
    </>
  );
}
