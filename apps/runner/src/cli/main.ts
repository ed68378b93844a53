/** `crlab`: finds the subcommand, runs it, shows what went wrong. */
import { reportFailure } from "../build/stages.js";
import { UsageError } from "./command.js";
import { subcommands } from "./subcommands.js";

function help(): string {
  const width = Math.max(...Object.keys(subcommands).map((name) => name.length));
  const lines = Object.entries(subcommands).map(([name, entry]) => `  ${name.padEnd(width)}  ${entry.summary}`);
  return `usage: crlab SUBCOMMAND …\n\n${lines.join("\n")}\n\ncrlab SUBCOMMAND --help says more.\n`;
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(help());
    return name === undefined ? 2 : 0;
  }
  const entry = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (!entry) {
    process.stderr.write(`crlab: no subcommand "${name}"\n\n${help()}`);
    return 2;
  }
  const { default: subcommand } = await entry.load();
  const [synopsis = name, ...explanation] = subcommand.usage;
  const usage = [`usage: crlab ${synopsis}`, ...explanation, ""].join("\n");
  const ownArgs = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  if (ownArgs.includes("--help") || ownArgs.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    return await subcommand.run(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`crlab ${name}: ${error.message}\n${usage}`);
      return 2;
    }
    reportFailure(error);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
