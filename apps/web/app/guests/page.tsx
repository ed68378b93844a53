import type { Metadata } from "next";
import { Guests } from "../../components/guests/guests";
import { LinkBanner } from "../../components/link-banner";
import { SiteHeader } from "../../components/site-header";
import styles from "../home.module.css";

export const metadata: Metadata = { title: "Guests" };

export default function GuestsPage() {
  return (
    <>
      <SiteHeader here="/guests" />
      <LinkBanner />
      <main className={styles.main}>
        <h1>Guests</h1>
        <p className={styles.lead}>
          Every virtual machine that runs now, or waits for room. One that nobody watches stands still; one that nobody
          drives ends by itself.
        </p>
        <Guests />
      </main>
    </>
  );
}
