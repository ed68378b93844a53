/**
 * Experiments that this page has made. It knows all there is to know of them and may drive them, so it shows them at once
 * under their own address, and asks no server for a page. Who opens the address anew is served one.
 */
import { useEffect, useState } from "react";
import type { MadeBench } from "../components/bench/made-bench";
import { parts } from "./parts";

export interface Made {
  id: string;
  title: string;
  Bench: typeof MadeBench;
}

const made = new Map<string, Made>();
const listeners = new Set<(shown: Made | null) => void>();

export const isMadeHere = (id: string): boolean => made.has(id);

/** Marks places in the browser's history that only this page knows how to show. */
const MARK = "crlabMade";

function back(event: PopStateEvent): void {
  // The page has been loaded anew since.
  if (shownNow() !== null || !event.state?.[MARK]) {
    tell();
    return;
  }
  // The router, which hears of it next, would ask for a page that is being left.
  event.stopImmediatePropagation();
  window.location.reload();
}

const shownNow = (): Made | null => made.get(location.pathname.slice("/x/".length)) ?? null;

function tell(): void {
  for (const listener of listeners) listener(shownNow());
}

/** Goes to an experiment that has just been made. */
export async function goToMade(id: string, title: string): Promise<void> {
  const part = await parts.madeBench().catch(() => null);
  if (part === null) {
    window.location.assign(`/x/${id}`);
    return;
  }
  made.set(id, { id, title, Bench: part.MadeBench });
  window.history.pushState({ [MARK]: true }, "", `/x/${id}`);
  tell();
  window.scrollTo(0, 0);
}

/** The one whose address this page is at, if it was made here. */
export function useMadeHere(): Made | null {
  const [shown, setShown] = useState<Made | null>(null);
  useEffect(() => {
    listeners.add(setShown);
    window.addEventListener("popstate", back);
    return () => {
      listeners.delete(setShown);
      window.removeEventListener("popstate", back);
    };
  }, []);
  return shown;
}
