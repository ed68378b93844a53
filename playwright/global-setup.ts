import { startLab } from "./lab.js";

/** The tests find the lab by the environment; what is returned ends it. */
export default async function globalSetup(): Promise<() => Promise<void>> {
  const lab = await startLab();
  process.env.CRLAB_TEST_URL = lab.url;
  process.env.CRLAB_TEST_DATA = lab.data;
  return lab.stop;
}
