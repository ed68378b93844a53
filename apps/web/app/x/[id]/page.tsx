import { type ExperimentView, foldAll } from "@crlab/shared";
import type { Metadata } from "next";
import { cookies, headers } from "next/headers";
import { notFound } from "next/navigation";
import { cache } from "react";
import { Bench } from "../../../components/bench/bench";
import type { LastScreen } from "../../../components/bench/terminals";
import { linkMetadata } from "../../../lib/link-metadata";
import type { Query } from "../../../lib/query";
import { firstShown, readShown, type Shown } from "../../../lib/shown";
import { lastScreen, storedExperiment } from "../../../lib/stored";
import { readZones, ZONES_COOKIE, zoneProperties } from "../../../lib/zones";
// What is drawn here, and left as it is in a browser, or until its code is there.
import "../../../components/bench/heat-map.module.css";
import "../../../components/bench/migration.module.css";
import "../../../components/bench/steps.module.css";
import "../../../components/charts/plot.module.css";

type Props = { params: Promise<{ id: string }>; searchParams: Promise<Query> };

const load = cache((id: string) => storedExperiment(id));

export async function generateMetadata({ params }: Pick<Props, "params">): Promise<Metadata> {
  const { id } = await params;
  const stored = await load(id);
  if (!stored) return { title: "Not found" };
  const view = foldAll(stored.events);
  return linkMetadata(`/x/${id}`, view.title, `${view.verdict ?? view.status}. ${view.question ?? ""}`.trim());
}

const isOver = ({ status }: ExperimentView) => status === "ended" || status === "interrupted";

/** Without what is in the images, most of a log's bytes, which few look at; an error may speak of a place in one. */
function brief(view: ExperimentView, shown: Shown): ExperimentView {
  if (shown.tab === "memory" || shown.tab === "checkpoints" || view.steps.some((s) => s.error !== null)) return view;
  return { ...view, checkpoints: view.checkpoints.map((c) => ({ ...c, digest: null, bytes: [] })) };
}

async function lastScreenOf(id: string, { terminals }: ExperimentView): Promise<LastScreen> {
  const shown = firstShown(terminals);
  return { terminal: shown?.terminal ?? 0, text: shown ? await lastScreen(id, shown.terminal) : "" };
}

export default async function ExperimentPage({ params, searchParams }: Props) {
  const { id } = await params;
  const stored = await load(id);
  if (!stored || stored.events.length === 0) notFound();
  const zones = readZones((await cookies()).get(ZONES_COOKIE)?.value);
  const nonce = (await headers()).get("x-nonce");
  const whole = foldAll(stored.events);
  const shown = readShown(await searchParams);
  const over = isOver(whole);
  const came = over ? brief(whole, shown) : whole;
  const end = over ? { lastScreen: await lastScreenOf(id, whole), brief: came !== whole } : null;
  const pastView = over && shown.atMs !== null ? foldAll(stored.events, shown.atMs) : null;
  return (
    <>
      {nonce !== null && zones !== null && (
        <style nonce={nonce}>{`main{${zoneProperties(zones)
          .map((property) => property.join(":"))
          .join(";")}}`}</style>
      )}
      <Bench key={id} id={id} came={came} pastView={pastView} zones={zones} shown={shown} end={end} />
    </>
  );
}
