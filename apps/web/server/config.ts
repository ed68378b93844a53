/** Where the console listens and where it finds the runner. */
import { accessToken, isLoopback, listenHost } from "@crlab/runner/src/build/access.js";
import { dataDir, repoRoot } from "@crlab/runner/src/build/paths.js";

export interface ConsoleConfig {
  host: string;
  /** What a visitor has to bring; undefined: the console listens on loopback, and asks for nothing. */
  token: string | undefined;
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
  const host = listenHost(argv, env);
  return {
    host,
    token: isLoopback(host) ? undefined : accessToken(dataDir()),
    port,
    dev: argv.includes("--dev"),
    dataDir: dataDir(),
    runnerSocket: dataDir("runner.sock"),
    repoRoot,
  };
}
