/** A step that failed: a value with a name, the object it speaks of, and what to do next. */
import type { NamedError } from "@crlab/shared";

export class StepError extends Error {
  override readonly name = "StepError";
  readonly named: NamedError;

  constructor(code: string, message: string, more: { hint?: string; imageOffset?: number } = {}) {
    super(message);
    this.named = { code, message, ...more };
  }
}

/** Any error as a named one. */
export function namedErrorOf(error: unknown): NamedError {
  if (error instanceof Error && "named" in error && isNamed(error.named)) return error.named;
  return { code: "internal", message: error instanceof Error ? error.message : String(error) };
}

function isNamed(value: unknown): value is NamedError {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}
