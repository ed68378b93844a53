"use client";
import { type ReactNode, Suspense, startTransition, useEffect, useState } from "react";
import { useHydrated } from "../../lib/hydrated";
import styles from "./bench.module.css";

interface Props {
  /** Fetches the code of it. */
  load: () => Promise<unknown>;
  /** False while what was served says all there is to say. */
  wanted?: boolean;
  /** A part of the page that is loaded when it is used. */
  children: ReactNode;
}

/** The same object each time, so that React leaves alone what is there. */
const AS_SERVED = { __html: "" };

/**
 * Keeps a part of the page as it was served, as text that a browser neither goes through nor has the code for, until it is
 * wanted and its code is there.
 */
export function Kept({ load, wanted = true, children }: Props) {
  const hydrated = useHydrated();
  const [kept, setKept] = useState(!hydrated);
  useEffect(() => {
    if (!kept || !wanted) return;
    const go = () => startTransition(() => setKept(false));
    load().then(go, go);
  }, [kept, wanted, load]);
  const drawn = <div className={styles.kept}>{children}</div>;
  if (typeof window === "undefined") return drawn;
  if (!kept) return <Suspense fallback={null}>{drawn}</Suspense>;
  // Not in a Suspense of its own: what React draws anew there, before it has come to it, would be empty.
  return (
    // biome-ignore lint/security/noDangerouslySetInnerHtml: it sets nothing; React does not look into such an element
    <div className={styles.kept} suppressHydrationWarning dangerouslySetInnerHTML={AS_SERVED} />
  );
}
