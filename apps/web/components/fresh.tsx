"use client";
import { usePathname, useRouter } from "next/navigation";
import { useEffect } from "react";

const shown = new Set<string>();

/** On a page that lists what there is: who comes back to it by the browser's history gets it as it is now, not as it was. */
export function Fresh({ path, served }: { path: string; served: string }) {
  const router = useRouter();
  // It is drawn again before the router has come back from an experiment that was made on it, whose page nobody needs.
  const here = usePathname() === path;
  useEffect(() => {
    if (!here) return;
    if (shown.has(served)) router.refresh();
    shown.add(served);
    // A browser may keep a page whole while another is visited.
    const kept = (event: PageTransitionEvent) => event.persisted && router.refresh();
    window.addEventListener("pageshow", kept);
    return () => window.removeEventListener("pageshow", kept);
  }, [here, router, served]);
  return null;
}
