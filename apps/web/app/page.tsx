import { type ExperimentFile, formatBytes, formatNs, sweepRuns } from "@crlab/shared";
import { Ahead } from "../components/ahead";
import { RunButton } from "../components/create-button";
import { DataTable } from "../components/data-table";
import { Fresh } from "../components/fresh";
import { StepsSketch } from "../components/home/steps-sketch";
import { Link } from "../components/link";
import { LinkBanner } from "../components/link-banner";
import { Pages } from "../components/pages";
import { SiteHeader } from "../components/site-header";
import { VerdictPill } from "../components/verdict-pill";
import { one, pageOf, type Query } from "../lib/query";
import { guessDurationMs, shippedExperiments } from "../lib/shipped";
import { EXPERIMENTS_A_PAGE, type RecentExperiment, recentExperiments } from "../lib/stored";
import { formatAbout, formatAgo } from "../lib/time";
import styles from "./home.module.css";

/** The latest finished run of the same title says how long it takes; before that, and of a sweep, a guess. */
function durationOf(file: ExperimentFile, recent: readonly RecentExperiment[]): string {
  const guess = formatAbout(guessDurationMs(file));
  if (file.sweep) return `${sweepRuns(file.sweep).length} runs, ${guess}`;
  const last = recent.find((r) => r.title === file.title && r.view.status === "ended");
  return last ? `last run ${formatAbout(last.lastMs).replace("about ", "")}` : guess;
}

export default async function Home({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const search = (one(query.q) ?? "").trim().slice(0, 100);
  const page = pageOf(query);
  const [shipped, recent, latest] = await Promise.all([
    shippedExperiments(),
    recentExperiments(search, page),
    search === "" && page === 1 ? null : recentExperiments(""),
  ]);
  const now = new Date();
  return (
    <>
      <SiteHeader here="/" />
      <Ahead />
      <Fresh path="/" served={now.toISOString()} />
      <LinkBanner />
      <main className={styles.main} data-rests>
        <h1>What does checkpoint/restart do to this process?</h1>
        <p className={styles.lead}>
          Boot a patched kernel, freeze a process, take away its file, bring it back. Every experiment leaves a link.
        </p>
        <div className={styles.cards}>
          {shipped.map(({ name, file }) => (
            <section key={name} className={styles.card} aria-label={file.title}>
              <h2>{file.title}</h2>
              <p>{file.question}</p>
              <StepsSketch steps={file.steps} />
              <div className={styles.row}>
                <span className="dim">{durationOf(file, (latest ?? recent).experiments)}</span>
                <span className={styles.ways}>
                  {file.sweep === undefined && (
                    <RunButton name={name} title={file.title} byHand>
                      Step by step
                    </RunButton>
                  )}
                  <RunButton name={name} title={file.title}>
                    Run
                  </RunButton>
                </span>
              </div>
            </section>
          ))}
        </div>
        <div className={styles.recent}>
          <h2>Recent</h2>
          <span className="dim">
            {recent.total} {recent.total === 1 ? "experiment" : "experiments"}
          </span>
          <form action="/" aria-label="Search">
            <input
              className="field"
              type="search"
              name="q"
              defaultValue={search}
              placeholder="Search title, kernel, step, verdict"
              aria-label="Search experiments"
            />
            {recent.experiments.length > 0 && (
              <button className="btn" type="submit" form="compare" title="Those that are ticked, side by side">
                Compare
              </button>
            )}
            <Link className="btn" href="/new">
              New experiment
            </Link>
          </form>
        </div>
        <div className={styles.list}>
          {recent.experiments.length === 0 ? (
            <p className={styles.empty}>
              {search !== ""
                ? `Nothing matches “${search}”.`
                : page === 1
                  ? "None yet. Run one of the above: it takes one click."
                  : "There are not so many."}
            </p>
          ) : (
            <form id="compare" action="/compare" aria-label="Compare">
              <RecentTable rows={recent.experiments} now={now} />
            </form>
          )}
        </div>
        <Pages
          path="/"
          query={search === "" ? {} : { q: search }}
          page={page}
          size={EXPERIMENTS_A_PAGE}
          total={recent.total}
        />
      </main>
    </>
  );
}

const frozenOf = ({ view }: RecentExperiment): string => {
  const last = view.checkpoints.at(-1);
  return last ? formatNs(last.figures.frozenNs) : "–";
};
const bytesOf = ({ view }: RecentExperiment): string => {
  const bytes = view.checkpoints.reduce((sum, c) => sum + c.figures.bytes, 0);
  return bytes > 0 ? formatBytes(bytes) : "–";
};

function RecentTable({ rows, now }: { rows: readonly RecentExperiment[]; now: Date }) {
  return (
    <DataTable
      rows={rows}
      keyOf={(r) => r.id}
      stacks
      columns={[
        {
          head: <span className="visually-hidden">To compare</span>,
          className: styles.tick,
          cell: (r) => <input type="checkbox" name="x" value={r.id} aria-label={`Compare ${r.title}, ${r.id}`} />,
        },
        {
          head: <>Experiment</>,
          className: styles.name,
          cell: (r) => <Link href={`/x/${r.id}`}>{r.title}</Link>,
        },
        { head: <>Verdict</>, cell: (r) => <VerdictPill view={r.view} /> },
        {
          head: "Kernel",
          className: "mono",
          cell: (r) => r.view.fingerprint?.kernelVariant ?? r.view.manifest?.kernel,
        },
        { head: "Accel.", cell: (r) => r.view.fingerprint?.accel.toUpperCase() ?? "–" },
        { head: "Frozen", num: true, cell: (r) => frozenOf(r) },
        { head: "Bytes", num: true, cell: (r) => bytesOf(r) },
        { head: "When", className: "dim", cell: (r) => formatAgo(new Date(r.createdAt), now) },
      ]}
    />
  );
}
