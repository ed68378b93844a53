"use client";
import { type ReactNode, startTransition, useEffect, useState } from "react";

interface Props {
  /** What it shows: another thing is not kept back. */
  of: string;
  /** Fetches the code of it. */
  load: () => Promise<unknown>;
  /** A part of the page that is loaded when it is used, with its Suspense. */
  children: ReactNode;
}

/** Keeps a part as the page was served with it until its code is there: with any change before, React would empty it. */
export function Kept({ of, load, children }: Props) {
  const [served] = useState({ of, load, children });
  const [there, setThere] = useState(false);
  useEffect(() => {
    const go = () => startTransition(() => setThere(true));
    served.load().then(go, go);
  }, [served]);
  return there || of !== served.of ? children : served.children;
}
