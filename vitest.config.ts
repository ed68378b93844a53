import { defineConfig } from "vitest/config";

/** Tests that boot real guests; everything else needs nothing but Node. */
const guestTests = "**/*.guest.test.ts";
const everywhere = ["**/node_modules/**", "**/.next/**", "playwright/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{apps,packages,scripts}/**/*.test.{ts,tsx}"],
          exclude: [...everywhere, guestTests],
          // Tests wait for conditions; this is for the ones that never come.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "guest",
          include: [`{apps,packages}/${guestTests}`],
          exclude: everywhere,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
