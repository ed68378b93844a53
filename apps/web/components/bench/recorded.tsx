"use client";
import { type ReactNode, Suspense, useState } from "react";
import styles from "./terminals.module.css";

interface Props {
  /** What it showed at last; null: only the terminal itself can say. */
  text: string | null;
  /** Somebody points at it, or has gone there by keyboard. */
  wanted: boolean;
  children: ReactNode;
}

/** A terminal of an experiment that is over: its last screen as text, and a real terminal as soon as it is wanted. */
export function Recorded({ text, wanted, children }: Props) {
  const [used, setUsed] = useState(wanted || text === null);
  if (!used && (wanted || text === null)) setUsed(true);
  if (!used) return <LastText text={text} />;
  return <Suspense fallback={<LastText text={text} />}>{children}</Suspense>;
}

const LastText = ({ text }: { text: string | null }) => (
  <div className={styles.last} data-testid="last-screen">
    <pre>{text}</pre>
  </div>
);
