/** A subcommand of `crlab`. */
export interface Subcommand {
  /** Shown by `--help`: the synopsis without the leading "crlab", then lines of explanation. */
  usage: readonly string[];
  /** Takes the arguments after the subcommand's name and answers the exit status. */
  run(args: readonly string[]): Promise<number>;
}

/** A command line that makes no sense: its message is shown with the usage, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
