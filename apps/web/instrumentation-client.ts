/** Runs before any other module of a page: zod would try to compile its schemas by eval, which our policy refuses. */
import { config } from "zod/v4/core";

config({ jitless: true });
