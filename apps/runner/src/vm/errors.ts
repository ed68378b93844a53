/** A guest that could not be made, or did not do what was asked: what, and what to do next. */
export class GuestError extends Error {
  override readonly name = "GuestError";

  constructor(
    /** Short and stable, for programs: `qemu-died`, `guest-gone`, `boot-timeout`, `exec-failed`, ... */
    readonly code: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}
