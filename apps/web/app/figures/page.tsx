import {
  type BenchReport,
  type BenchResult,
  type Contender,
  formatFigure,
  nameOfFigure,
  spreadOf,
} from "@crlab/shared";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { DataTable } from "../../components/data-table";
import { Link } from "../../components/link";
import { SiteHeader } from "../../components/site-header";
import { readReport, reportNames } from "../../lib/reports";
import home from "../home.module.css";
import styles from "./figures.module.css";

export const metadata: Metadata = {
  title: "Figures",
  description: "How fast checkpoint and restart are, beside CRIU and beside the fastest way to move the same bytes",
};

export default async function Figures({ searchParams }: { searchParams: Promise<{ run?: string | string[] }> }) {
  const { run } = await searchParams;
  const names = reportNames();
  const name = typeof run === "string" ? run : names[0];
  const report = name === undefined ? undefined : readReport(name);
  if (typeof run === "string" && !report) notFound();
  return (
    <>
      <SiteHeader here="/figures" />
      <main className={home.main} data-rests>
        <h1>How fast is it?</h1>
        <p className={home.lead}>
          This lab’s engine, CRIU, and the fastest way to move the same bytes to the same place: in one guest, in turn.
          Bars are medians; compare them within a row.
        </p>
        {report ? (
          <Report report={report} name={name ?? ""} names={names} />
        ) : (
          <div className={home.list}>
            <p className={home.empty}>
              Nothing has been measured on this machine yet. <code>npm run bench</code> does, and this page draws it.
            </p>
          </div>
        )}
      </main>
    </>
  );
}

function Report({ report, name, names }: { report: BenchReport; name: string; names: readonly string[] }) {
  const { machine } = report;
  const benches = [...new Set(report.results.map((r) => r.bench))];
  return (
    <>
      <p className="dim">
        {report.rounds} {report.rounds === 1 ? "round" : "rounds"} on {machine.began.slice(0, 16).replace("T", " ")}{" "}
        UTC: {machine.kernelRelease} under {machine.accel.toUpperCase()} with {machine.guestCpus} CPUs and{" "}
        {machine.guestMemMiB} MiB, QEMU {machine.qemuVersion}, CRIU {machine.criuVersion}; host {machine.cpu} with{" "}
        {machine.hostCpus} CPUs, load {machine.loadBefore} before and {machine.loadAfter} after.
      </p>
      <Targets report={report} />
      {benches.map((bench) => (
        <section key={bench} className={styles.bench} aria-label={bench}>
          <h2>{bench}</h2>
          <BenchRows results={report.results.filter((r) => r.bench === bench)} />
        </section>
      ))}
      {names.length > 1 && (
        <nav className={styles.others} aria-label="Other runs">
          <h2>Other runs</h2>
          <ul>
            {names.map((other) => (
              <li key={other}>
                {other === name ? (
                  <span className="mono dim">{other}</span>
                ) : (
                  <Link className="mono" href={`/figures?run=${other}`}>
                    {other}
                  </Link>
                )}
              </li>
            ))}
          </ul>
        </nav>
      )}
    </>
  );
}

function Targets({ report: { targets } }: { report: BenchReport }) {
  if (targets.length === 0) return null;
  return (
    <section className={styles.bench} aria-label="Targets">
      <h2>
        Targets: {targets.filter((t) => t.met).length} of {targets.length} met
      </h2>
      <div className={`${home.list} ${styles.targets}`}>
        <DataTable
          rows={targets}
          keyOf={(t) => t.name}
          columns={[
            {
              head: "What",
              cell: (t) => (
                <>
                  {t.name}
                  {t.profile !== undefined && (
                    <details className={styles.profile}>
                      <summary>where the time goes</summary>
                      {t.profile.split("; ").map((workload) => (
                        <p key={workload}>{workload}</p>
                      ))}
                    </details>
                  )}
                </>
              ),
            },
            { head: "Wanted", cell: (t) => t.wanted },
            { head: "Got", className: styles.got, cell: (t) => t.got ?? "not measured" },
            {
              head: "Met",
              cell: (t) => <span className={`pill ${t.met ? "running" : "failed"}`}>{t.met ? "met" : "not met"}</span>,
            },
          ]}
        />
      </div>
    </section>
  );
}

const contenders: readonly { contender: Contender; label: string }[] = [
  { contender: "crlab", label: "crlab" },
  { contender: "criu", label: "CRIU" },
  { contender: "limit", label: "limit" },
  { contender: "wetty", label: "wetty" },
];

function BenchRows({ results }: { results: readonly BenchResult[] }) {
  const rows = [...new Map(results.map((r) => [`${r.workload}\n${r.metric}`, r])).values()];
  const shown = rows.map(({ workload, metric }, i) => {
    const own = results.filter((r) => r.workload === workload && r.metric === metric);
    const highest = Math.max(...own.map((r) => spreadOf(r.samples)?.median ?? 0));
    return { workload, metric, own, highest, isFirst: rows[i - 1]?.workload !== workload };
  });
  return (
    <DataTable
      className={styles.rows}
      headHidden
      rows={shown}
      keyOf={({ workload, metric }) => `${workload} ${metric}`}
      columns={[
        {
          head: "What was measured",
          rowHead: true,
          cell: ({ workload, metric, isFirst }) => (
            <>
              {isFirst && <span className={styles.workload}>{workload}</span>}
              <span className="dim">{nameOfFigure(metric)}</span>
            </>
          ),
        },
        {
          head: "Medians",
          cell: ({ own, highest }) =>
            contenders.map(({ contender, label }) => {
              const result = own.find((r) => r.contender === contender);
              return result && <Bar key={contender} label={label} result={result} highest={highest} />;
            }),
        },
      ]}
    />
  );
}

function Bar({ label, result, highest }: { label: string; result: BenchResult; highest: number }) {
  const spread = spreadOf(result.samples);
  const show = (value: number) => formatFigure(result.metric, value);
  return (
    <div className={styles.bar}>
      <span className={styles.label}>{label}</span>
      <svg className={styles.track} aria-hidden="true">
        {spread && (
          <rect
            className={styles[result.contender]}
            width={`${highest === 0 ? 0 : Math.max(0.4, (100 * spread.median) / highest)}%`}
            height="100%"
          />
        )}
      </svg>
      <span className={styles.value}>
        {spread ? show(spread.median) : "refused"}
        {spread && spread.low !== spread.high && (
          <span className="dim">
            {" "}
            {show(spread.low)} – {show(spread.high)}
          </span>
        )}
        {!spread && <span className="dim"> {result.refusal?.split("\n").at(-1)}</span>}
      </span>
    </div>
  );
}
