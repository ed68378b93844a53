import { type ExperimentView, foldAll } from "@crlab/shared";
import type { Metadata } from "next";
import { cookies, headers } from "next/headers";
import { notFound } from "next/navigation";
import { cache } from "react";
import { Bench, type ServedEnd } from "../../../components/bench/bench";
import { ReportSheet } from "../../../components/bench/report-sheet";
import { Steps } from "../../../components/bench/steps";
import { firstShown, type Query, readShown } from "../../../lib/shown";
import { lastScreen, storedExperiment } from "../../../lib/stored";
import { readZones, ZONES_COOKIE } from "../../../lib/zones";

type Props = { params: Promise<{ id: string }>; searchParams: Promise<Query> };

const load = cache((id: string) => storedExperiment(id));

export async function generateMetadata({ params }: Pick<Props, "params">): Promise<Metadata> {
  const { id } = await params;
  const stored = await load(id);
  if (!stored) return { title: "Not found" };
  const view = foldAll(stored.events);
  const state = view.verdict ?? view.status;
  const description = `${state}. ${view.question ?? ""}`.trim();
  const host = (await headers()).get("host");
  return {
    title: view.title,
    description,
    ...(host === null ? {} : { metadataBase: new URL(`http://${host}`) }),
    openGraph: { title: view.title, description, images: [{ url: `/x/${id}/preview`, width: 1200, height: 630 }] },
  };
}

async function servedEnd(id: string, view: ExperimentView): Promise<ServedEnd | null> {
  if (view.status !== "ended" && view.status !== "interrupted") return null;
  const shown = firstShown(view.terminals);
  const text = shown ? await lastScreen(id, shown.terminal) : "";
  return {
    steps: <Steps view={view} />,
    report: <ReportSheet view={view} />,
    lastScreen: { terminal: shown?.terminal ?? 0, text },
  };
}

export default async function ExperimentPage({ params, searchParams }: Props) {
  const { id } = await params;
  const stored = await load(id);
  if (!stored || stored.events.length === 0) notFound();
  const zones = readZones((await cookies()).get(ZONES_COOKIE)?.value);
  const nonce = (await headers()).get("x-nonce");
  const came = foldAll(stored.events);
  const end = await servedEnd(id, came);
  const shown = readShown(await searchParams);
  const pastView = end === null || shown.atMs === null ? null : foldAll(stored.events, shown.atMs);
  return (
    <>
      {nonce !== null && (
        <style nonce={nonce}>{`main{--steps:${zones.stepsPx}px;--inspector:${zones.inspectorPx}px}`}</style>
      )}
      <Bench
        key={id}
        id={id}
        stored={stored.events}
        came={came}
        pastView={pastView}
        zones={zones}
        shown={shown}
        end={end}
      />
    </>
  );
}
