"use client";
import { useRouter } from "next/navigation";
import { useEffect } from "react";

const shown = new Set<string>();

/** On a page that lists what there is: who comes back to it by the browser's history gets it as it is now, not as it was. */
export function Fresh({ served }: { served: string }) {
  const router = useRouter();
  useEffect(() => {
    if (shown.has(served)) router.refresh();
    shown.add(served);
    // A browser may keep a page whole while another is visited.
    const kept = (event: PageTransitionEvent) => event.persisted && router.refresh();
    window.addEventListener("pageshow", kept);
    return () => window.removeEventListener("pageshow", kept);
  }, [router, served]);
  return null;
}
