/** `npm run schema -w @crlab/shared`: writes experiments/schema.json anew. */
import { writeFileSync } from "node:fs";
import { experimentFileSchema } from "./file-schema.js";

writeFileSync(new URL("../../../experiments/schema.json", import.meta.url), experimentFileSchema());
