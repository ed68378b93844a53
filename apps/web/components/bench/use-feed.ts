"use client";
import type { ExperimentView, LogEvent } from "@crlab/shared";
import { useEffect, useState, useSyncExternalStore } from "react";
import { ExperimentFeed, type FeedSnapshot } from "../../lib/experiment-feed";
import { isMadeHere } from "../../lib/made-here";
import { useRunner } from "../runner-provider";

/** Follows one experiment, from the log the page was served with. */
export function useFeed(id: string, stored: readonly LogEvent[], view: ExperimentView): FeedSnapshot {
  const socket = useRunner();
  const [feed] = useState(() => new ExperimentFeed(socket, id, stored, view, isMadeHere(id)));
  useEffect(() => feed.follow(), [feed]);
  return useSyncExternalStore(feed.onChange, feed.current, feed.current);
}
