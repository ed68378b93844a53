import { foldAll } from "@crlab/shared";
import type { Metadata } from "next";
import { ChooseOther, Comparison, type Subject } from "../../components/compare/comparison";
import { Link } from "../../components/link";
import { SiteHeader } from "../../components/site-header";
import { recentExperiments, storedExperiment } from "../../lib/stored";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "Compare" };

const MOST = 6;

export default async function ComparePage({ searchParams }: { searchParams: Promise<{ x?: string | string[] }> }) {
  const { x } = await searchParams;
  const asked = [...new Set([x ?? []].flat())];
  const ids = asked.slice(0, MOST);
  const found = await Promise.all(
    ids.map(async (id): Promise<Subject[]> => {
      const stored = await storedExperiment(id);
      return stored ? [{ id, view: foldAll(stored.events) }] : [];
    }),
  );
  const subjects = found.flat();
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
        {found.some((f) => f.length === 0) && <p role="alert">An experiment of this link is not in this lab.</p>}
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
