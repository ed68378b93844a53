"use client";
import type { ReactNode } from "react";
import { useHydrated } from "../../lib/hydrated";
import styles from "./inspector.module.css";

/** Fields that choose what is shown: on a page that was just served, a choice would be lost until its code is there. */
export function Choices({ className = "", children }: { className?: string | undefined; children: ReactNode }) {
  return (
    <fieldset className={`${styles.choose} ${className}`} disabled={!useHydrated()}>
      {children}
    </fieldset>
  );
}
