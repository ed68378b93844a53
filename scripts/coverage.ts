/** `npm run -s coverage`: writes docs/coverage.md from the annotations in the selftests. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { allAnnotations, coveragePage } from "./coverage/annotations.js";

const root = join(import.meta.dirname, "..");
const covered = allAnnotations(join(root, "kernel/selftests"), join(root, "images/programs/cases"));

writeFileSync(join(root, "docs/coverage.md"), coveragePage(covered));
process.stderr.write(`docs/coverage.md: ${covered.length} resources\n`);
