import Link from "next/link";
import { SiteHeader } from "../components/site-header";
import styles from "./home.module.css";

export default function NotFound() {
  return (
    <>
      <SiteHeader />
      <main className={styles.main}>
        <h1>There is no such page</h1>
        <p className={styles.lead}>
          An experiment’s link has the form /x/ and an id of 8 to 16 letters and digits; this one is not in this
          console’s database. Ask whoever sent it which console it came from.
        </p>
        <Link className="btn" href="/">
          All experiments
        </Link>
      </main>
    </>
  );
}
