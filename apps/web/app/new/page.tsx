import type { Metadata } from "next";
import { LinkBanner } from "../../components/link-banner";
import { NewExperiment } from "../../components/new-experiment";
import { SiteHeader } from "../../components/site-header";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "New experiment" };

export default function NewPage() {
  return (
    <>
      <SiteHeader />
      <LinkBanner />
      <main className={styles.main}>
        <h1>New experiment</h1>
        <p className={styles.lead}>Boot a guest and drive it by hand, or run an experiment file.</p>
        <NewExperiment />
      </main>
    </>
  );
}
