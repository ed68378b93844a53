/** Programs that people bring into a guest. */
import { z } from "zod";

export const MAX_PROGRAM_BYTES = 32 * 1024 * 1024;

/** Made of its contents; whoever has it may start the program. */
export const programId = z.string().regex(/^[0-9a-f]{32}$/, "32 hexadecimal digits, as an upload answers them");

export const programKind = z.enum(["program", "script", "tar", "tar.gz"]);
export type ProgramKind = z.infer<typeof programKind>;

export const programInfo = z.strictObject({ id: programId, name: z.string(), kind: programKind, bytes: z.int() });
export type ProgramInfo = z.infer<typeof programInfo>;

/** A file inside a directory that was brought as tar: no way leads out of it. */
export const programEntry = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\0][^\0]*$/, "a path within the directory")
  .refine((path) => !path.split("/").includes(".."), "a path within the directory, without ..");
