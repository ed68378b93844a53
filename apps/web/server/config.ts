/** Where the console listens and where it finds the runner. */
import { dataDir, repoRoot } from "@crlab/runner/src/build/paths.js";

export interface ConsoleConfig {
  host: string;
  port: number;
  dev: boolean;
  dataDir: string;
  runnerSocket: string;
  repoRoot: string;
}

/** Reads the configuration, or says which variable is wrong. */
export function consoleConfig(env: NodeJS.ProcessEnv, argv: readonly string[]): ConsoleConfig {
  const portText = env.CRLAB_PORT ?? "4870";
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port > 65535) {
    throw new Error(`CRLAB_PORT is "${portText}"; it must be a TCP port, 0 to 65535`);
  }
  return {
    host: "127.0.0.1",
    port,
    dev: argv.includes("--dev"),
    dataDir: dataDir(),
    runnerSocket: dataDir("runner.sock"),
    repoRoot,
  };
}
