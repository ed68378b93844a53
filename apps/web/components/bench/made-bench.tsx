"use client";
import { emptyView } from "@crlab/shared";
import { useEffect, useState } from "react";
import { readCookie } from "../../lib/cookie";
import { readShown } from "../../lib/shown";
import { readZones, ZONES_COOKIE } from "../../lib/zones";
import { Bench } from "./bench";

/** The bench of an experiment whose log this page hears from its first event on. */
export function MadeBench({ id, title }: { id: string; title: string }) {
  const [first] = useState(() => ({
    came: { ...emptyView, title },
    zones: readZones(readCookie(ZONES_COOKIE)),
    shown: readShown(Object.fromEntries(new URLSearchParams(location.search))),
  }));
  useEffect(() => {
    const before = document.title;
    const named = `${title} · crlab`;
    const name = () => {
      if (document.title !== named) document.title = named;
    };
    name();
    // The page that led here may be still about to put its own in its place.
    const head = new MutationObserver(name);
    head.observe(document.head, { childList: true, subtree: true, characterData: true });
    return () => {
      head.disconnect();
      document.title = before;
    };
  }, [title]);
  return <Bench id={id} pastView={null} end={null} {...first} />;
}
