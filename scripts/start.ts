/** `npm start`: builds what is missing, starts runner and console, prints the address. */
import { consoleService, portReady, runnerReady, runnerService, Services } from "../apps/runner/src/build/services.js";
import { checkPort, consolePort, setUp } from "../apps/runner/src/build/setup.js";
import { reportFailure } from "../apps/runner/src/build/stages.js";

try {
  const port = consolePort();
  await checkPort(port);
  await setUp({ kernels: ["cr", "base"], console: true });
  const services = new Services();
  services.start(runnerService);
  await runnerReady(services.gone);
  if (!services.gone.aborted) services.start(consoleService);
  await portReady(port, services.gone);
  if (!services.gone.aborted) process.stdout.write(`\ncrlab: http://127.0.0.1:${port}  (Ctrl-C ends it)\n`);
  await services.wait();
  process.exit(0);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
