/**
 * Lighthouse on the home page, a share page and the figures, as a desktop and as a phone: `npm run audit`. Part of
 * `npm run bench -- --only console`, too. Fails when a score is below its target.
 */
import { setUp } from "../apps/runner/src/build/setup.js";
import { audits, describeScores, wantedScores } from "./bench/audits.js";
import { end } from "./bench/terminal.js";

await setUp({ kernels: ["cr"], console: true });
const found = await audits(
  async (page) => {
    await page.getByRole("button", { name: "Run: Unlinked file", exact: true }).click();
    await page.locator('[data-testid="step-15"][data-state="ok"]').waitFor({ timeout: 300_000 });
    await end(page);
    return new URL(page.url()).pathname;
  },
  (line) => process.stderr.write(`${line}\n`),
);
for (const audit of found) {
  process.stdout.write(`${audit.good ? "✓" : "✗"} ${audit.name}: ${describeScores(audit)}\n`);
  for (const fault of audit.faults) process.stdout.write(`    ${fault}\n`);
}
if (found.some(({ good }) => !good)) {
  process.stdout.write(`wanted: ${wantedScores}\n`);
  process.exitCode = 1;
}
