/** Turns whatever a request failed with into an error a person can read. */
import type { NamedError } from "@crlab/shared";
import { RequestError } from "./runner-socket";

export function toNamedError(error: unknown): NamedError {
  if (error instanceof RequestError) return error.error;
  return {
    code: "page-error",
    message: `The page failed: ${error instanceof Error ? error.message : String(error)}`,
    hint: "Reload it; nothing in the experiment is lost.",
  };
}
