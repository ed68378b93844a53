import type { Metadata } from "next";
import Link from "next/link";
import { LinkBanner } from "../../components/link-banner";
import { SiteHeader } from "../../components/site-header";
import { NewSweep } from "../../components/sweep/new-sweep";
import { shippedExperiments } from "../../lib/shipped";
import { recentSweeps } from "../../lib/sweeps";
import { formatAgo } from "../../lib/time";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "Sweeps" };

const pills = { running: "pill running", done: "pill", stopped: "pill warn" } as const;

export default async function SweepsPage() {
  const [sweeps, shipped] = await Promise.all([recentSweeps(), shippedExperiments()]);
  const now = new Date();
  return (
    <>
      <SiteHeader />
      <LinkBanner />
      <main className={styles.main}>
        <h1>Sweeps</h1>
        <p className={styles.lead}>
          One experiment over a grid of settings, several times each: medians with their spread, and what changes.
        </p>
        <NewSweep bases={shipped.map((s) => s.file)} />
        <div className={styles.recent}>
          <h2>Recent</h2>
        </div>
        <div className={styles.list}>
          {sweeps.length === 0 ? (
            <p className={styles.empty}>None yet.</p>
          ) : (
            <table data-testid="sweeps">
              <thead>
                <tr>
                  <th scope="col">Sweep</th>
                  <th scope="col">State</th>
                  <th scope="col" className="num">
                    Runs
                  </th>
                  <th scope="col">Over</th>
                  <th scope="col">When</th>
                </tr>
              </thead>
              <tbody>
                {sweeps.map((s) => (
                  <tr key={s.id}>
                    <td>
                      <Link href={`/s/${s.id}`}>{s.title}</Link>
                    </td>
                    <td>
                      <span className={pills[s.status]}>{s.status}</span>
                    </td>
                    <td className="num">
                      {s.done} of {s.total}
                    </td>
                    <td className="mono">{Object.keys(s.file.sweep?.over ?? {}).join(" × ")}</td>
                    <td className="dim">{formatAgo(new Date(s.createdAt), now)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      </main>
    </>
  );
}
