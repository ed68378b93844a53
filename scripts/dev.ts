/** `npm run dev`: like `npm start`, with pages that reload and a runner that starts again on every change. */
import { LOOPBACK } from "../apps/runner/src/build/access.js";
import { consoleService, portReady, runnerReady, runnerService, Services } from "../apps/runner/src/build/services.js";
import { checkPort, consolePort, setUp } from "../apps/runner/src/build/setup.js";
import { reportFailure } from "../apps/runner/src/build/stages.js";

try {
  const port = consolePort();
  // Development pages allow what the console does not: never for others.
  process.env.CRLAB_HOST = LOOPBACK;
  await checkPort(port, LOOPBACK);
  await setUp({ kernels: ["cr", "base"], console: false });
  const services = new Services();
  services.start({ ...runnerService, watch: true });
  await runnerReady(services.gone);
  if (!services.gone.aborted) {
    services.start({
      ...consoleService,
      script: [consoleService.script[0], "--dev"],
      env: { NODE_ENV: "development" },
    });
  }
  await portReady(port, LOOPBACK, services.gone);
  if (!services.gone.aborted)
    process.stdout.write(`\ncrlab (development): http://127.0.0.1:${port}  (Ctrl-C ends it)\n`);
  await services.wait();
  process.exit(0);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
