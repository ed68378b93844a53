"use client";
import { useCallback, useEffect, useState } from "react";
import { parts } from "../../lib/parts";
import type * as Drive from "./drive";

type Tools = typeof Drive;

/** A driver's tools, loaded as soon as one drives, and for others when they ask for them. */
export function useTools(drive: boolean): { tools: Tools | null; withTools: (then: () => void) => void } {
  const [tools, setTools] = useState<Tools | null>(null);
  const withTools = useCallback((then: () => void) => {
    parts.drive().then(
      (loaded) => {
        setTools(loaded);
        then();
      },
      (error: unknown) => console.error("crlab: a part of the page:", error),
    );
  }, []);
  useEffect(() => {
    if (drive) withTools(() => undefined);
  }, [drive, withTools]);
  return { tools, withTools };
}
