"use client";
import type { ReactNode } from "react";
import { useMadeHere } from "../lib/made-here";

/** The page that was served, or the experiment that was made on it since. */
export function Stage({ children }: { children: ReactNode }) {
  const made = useMadeHere();
  return made === null ? children : <made.Bench key={made.id} id={made.id} title={made.title} />;
}
