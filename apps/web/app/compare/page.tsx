import { foldAll } from "@crlab/shared";
import type { Metadata } from "next";
import { ChooseOther, Comparison, type Subject } from "../../components/compare/comparison";
import { Link } from "../../components/link";
import { SiteHeader } from "../../components/site-header";
import { one, type Query } from "../../lib/query";
import { recentExperiments, storedExperiment } from "../../lib/stored";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "Compare" };

const MOST = 6;

/** The experiment that somebody named, by its link or its id alone. */
const idIn = (text: string): string => /\/x\/([A-Za-z0-9]+)/.exec(text)?.[1] ?? text.trim();

export default async function ComparePage({ searchParams }: { searchParams: Promise<Query> }) {
  const { x = [], link, other } = await searchParams;
  // Who has a link at hand means that one, whatever the list says.
  const named = one(link)?.trim() || one(other);
  const asked = [...new Set([x, named ?? []].flat().map(idIn))];
  const ids = asked.slice(0, MOST);
  const found = await Promise.all(
    ids.map(async (id): Promise<Subject[]> => {
      const stored = await storedExperiment(id);
      return stored ? [{ id, view: foldAll(stored.events) }] : [];
    }),
  );
  const subjects = found.flat();
  const missing = ids.filter((id) => !subjects.some((s) => s.id === id));
  const { experiments } = await recentExperiments("");
  return (
    <>
      <SiteHeader />
      <main className={styles.main}>
        <h1>Compare</h1>
        <p className={styles.lead}>
          {subjects.length < 2
            ? "Two or more experiments side by side: steps that say the same in one row, figures with ratios to the first."
            : `${subjects.length} experiments; ratios are to the first.`}
        </p>
        {missing.length > 0 && (
          <p role="alert">
            {missing.length === 1 ? "There is no experiment" : "There are no experiments"} {missing.join(", ")} in this
            lab: a link works on the console that made it. Who sent it can download the experiment as a file, and{" "}
            <Link href="/new">New experiment</Link> takes that in.
          </p>
        )}
        {asked.length > MOST && (
          <p role="alert">
            {asked.length} were asked for: these are the first {MOST}.
          </p>
        )}
        {subjects.length > 0 && <Comparison subjects={subjects} />}
        {subjects.length < MOST && (
          <ChooseOther
            chosen={subjects.map((s) => s.id)}
            others={experiments
              .filter((e) => !ids.includes(e.id))
              .map(({ id, title, createdAt }) => ({ id, title, when: createdAt.slice(0, 16).replace("T", " ") }))}
          />
        )}
        {experiments.length === 0 && (
          <Link className="btn" href="/">
            Run something first
          </Link>
        )}
      </main>
    </>
  );
}
