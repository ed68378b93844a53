/** A step that failed: a value with a name, the object it speaks of, and what to do next. */
import { type NamedError, namedError } from "@crlab/shared";
import { z } from "zod";

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
  if (!(error instanceof Error)) return { code: "internal", message: String(error) };
  if ("named" in error) {
    const named = namedError.safeParse(error.named);
    if (named.success) return named.data;
  }
  // Errors of the other rooms carry the same words as fields of their own.
  const fields = z.object(namedError.shape).safeParse(error);
  if (fields.success) return fields.data;
  return { code: "internal", message: error.message };
}
