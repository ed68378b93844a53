/** For `npx drizzle-kit generate` in this folder after a change to the schema. */
import { defineConfig } from "drizzle-kit";

export default defineConfig({ dialect: "sqlite", schema: "./src/store/schema.ts", out: "./migrations" });
