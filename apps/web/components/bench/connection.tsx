"use client";
import { useLinkState } from "../runner-provider";

const words = { open: "connected", away: "runner away", connecting: "connecting" };

/** By themselves, as a bench is much to draw for a word. */
export const Connection = () => <span>{words[useLinkState().kind]}</span>;

/** What one is told who may not drive. */
export const Watching = ({ inStep }: { inStep: boolean }) =>
  useLinkState().kind === "away" || inStep
    ? "You watch. Whoever made this experiment drives it; fork it to drive your own."
    : "Connecting …";
