"use client";
import type { ExperimentView } from "@crlab/shared";
import { useEffect, useState, useSyncExternalStore } from "react";
import { ExperimentFeed, type FeedSnapshot } from "../../lib/experiment-feed";
import { isMadeHere } from "../../lib/made-here";
import { useRunner } from "../runner-provider";

/** Follows one experiment, from what the page was served with. */
export function useFeed(id: string, view: ExperimentView): FeedSnapshot {
  const socket = useRunner();
  const [feed] = useState(() => new ExperimentFeed(socket, id, view, isMadeHere(id)));
  useEffect(() => feed.follow(), [feed]);
  return useSyncExternalStore(feed.onChange, feed.current, feed.current);
}
