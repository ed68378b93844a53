"use client";
import { useLinkState } from "../runner-provider";

const words = { open: "connected", away: "runner away", connecting: "connecting" };

/** By themselves, as a bench is much to draw for a word. */
export const Connection = () => <span>{words[useLinkState().kind]}</span>;

/** What one is told who may not drive; who may, only the runner knows. */
export function Watching({ inStep }: { inStep: boolean }) {
  const { kind } = useLinkState();
  if (inStep) return "You watch. Whoever made this experiment drives it; fork it to drive your own.";
  return kind === "away" ? "What one can do here is known when the runner is back." : "Connecting …";
}
