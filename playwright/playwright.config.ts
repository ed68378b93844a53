import { defineConfig } from "@playwright/test";

/** A real browser against a real runner and the built console; `global-setup.ts` starts and ends both. */
export default defineConfig({
  testDir: "./tests",
  outputDir: "./results/artifacts",
  globalSetup: "./global-setup.ts",
  // Much of a test is waiting: for a guest, for what a person would see. Two of them share the lab, each a person of its own.
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  timeout: 420_000,
  expect: { timeout: 30_000 },
  reporter: [["list"], ["json", { outputFile: "./results/results.json" }]],
  use: {
    viewport: { width: 1280, height: 800 },
    trace: { mode: "retain-on-failure", screenshots: false },
    launchOptions: {
      executablePath: "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
