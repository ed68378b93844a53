"use client";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { clickEarly } from "../lib/early";
import { type LinkState, RunnerSocket, type RunnerStatus } from "../lib/runner-socket";

const RunnerContext = createContext<RunnerSocket | null>(null);

/** One connection to the runner for all pages of a tab. */
export function RunnerProvider({ children }: { children: ReactNode }) {
  const [socket] = useState(() => new RunnerSocket());
  useEffect(() => {
    socket.start();
    return () => socket.stop();
  }, [socket]);
  // The last effect of all: what is on the page acts on clicks by now.
  useEffect(clickEarly, []);
  return <RunnerContext value={socket}>{children}</RunnerContext>;
}

export function useRunner(): RunnerSocket {
  const socket = useContext(RunnerContext);
  if (socket === null) throw new Error("useRunner outside RunnerProvider");
  return socket;
}

const connecting: LinkState = { kind: "connecting" };

export function useLinkState(): LinkState {
  const socket = useRunner();
  return useSyncExternalStore(socket.onState, socket.linkState, () => connecting);
}

const unsaid = () => null;

/** What the runner last said of itself. */
export function useRunnerStatus(): RunnerStatus | null {
  const socket = useRunner();
  return useSyncExternalStore(socket.onStatus, socket.lastStatus, unsaid);
}
