import { foldAll } from "@crlab/shared";
import type { Metadata } from "next";
import { stringify } from "yaml";
import { Ahead } from "../../components/ahead";
import { LinkBanner } from "../../components/link-banner";
import { NewExperiment } from "../../components/new-experiment";
import { SiteHeader } from "../../components/site-header";
import { fileOf } from "../../lib/archive";
import { one, type Query } from "../../lib/query";
import { shippedExperiments } from "../../lib/shipped";
import { storedExperiment } from "../../lib/stored";
import { storedSweep } from "../../lib/sweeps";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "New experiment" };

/** The file of an experiment or a sweep, to be changed and run. */
async function textOf(id: string): Promise<string | null> {
  const experiment = await storedExperiment(id);
  if (experiment) return stringify(fileOf(foldAll(experiment.events)));
  const sweep = await storedSweep(id);
  return sweep ? stringify(sweep.sweep.file) : null;
}

export default async function NewPage({ searchParams }: { searchParams: Promise<Query> }) {
  const from = one((await searchParams).from);
  const begin = from === undefined ? null : await textOf(from);
  const shipped = await shippedExperiments();
  return (
    <>
      <SiteHeader here="/new" />
      <Ahead />
      <LinkBanner />
      <main className={styles.main}>
        <h1>New experiment</h1>
        <p className={styles.lead}>Boot a guest and drive it by hand, or write its steps down and run them.</p>
        <NewExperiment begin={begin} templates={shipped.map(({ file, text }) => ({ title: file.title, text }))} />
      </main>
    </>
  );
}
