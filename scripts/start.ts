/**
 * `npm start`: builds what is missing, starts runner and console, prints the address.
 *
 * npm start -- --host ADDRESS listens on that address (0.0.0.0: on all) instead of 127.0.0.1, and asks whoever comes for
 * a token. The address that is printed carries it, once; a cookie stands for it from then on. It is kept in
 * CRLAB_DATA/access.token: delete that for another. Traffic is not encrypted: outside a network you trust, put TLS before it.
 */
import { accessToken, hostInUrl, isLoopback, listenHost } from "../apps/runner/src/build/access.js";
import { dataDir, makeDir } from "../apps/runner/src/build/paths.js";
import { consoleService, portReady, runnerReady, runnerService, Services } from "../apps/runner/src/build/services.js";
import { checkPort, consolePort, setUp } from "../apps/runner/src/build/setup.js";
import { reportFailure } from "../apps/runner/src/build/stages.js";

try {
  const port = consolePort();
  const host = listenHost(process.argv.slice(2), process.env);
  // The services read it there.
  process.env.CRLAB_HOST = host;
  await checkPort(port, host);
  await setUp({ kernels: ["cr", "base"], console: true });
  const services = new Services();
  services.start(runnerService);
  await runnerReady(services.gone);
  if (!services.gone.aborted) services.start(consoleService);
  await portReady(port, host, services.gone);
  const token = isLoopback(host) ? "" : `/?token=${accessToken(makeDir(dataDir()))}`;
  if (!services.gone.aborted)
    process.stdout.write(`\ncrlab: http://${hostInUrl(host)}:${port}${token}  (Ctrl-C ends it)\n`);
  await services.wait();
  process.exit(0);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
