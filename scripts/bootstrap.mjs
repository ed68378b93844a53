/**
 * The way into every command of the lab: makes sure that what it needs is installed (npm's packages, Debian's), then
 * hands over to TypeScript. Plain Node without dependencies: it runs in a bare clone. When everything is there, it
 * costs milliseconds and says nothing.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { missingPackages } from "./packages.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Command -> what it runs, and which groups of Debian packages it needs. */
const commands = {
  start: { script: "scripts/start.ts", needs: ["build", "guests"] },
  dev: { script: "scripts/dev.ts", needs: ["build", "guests"] },
  test: { script: "scripts/test.ts", needs: ["build", "guests", "test"] },
  cases: { script: "scripts/cases.ts", needs: ["build", "guests"] },
  coverage: { script: "scripts/coverage.ts", needs: ["build"] },
  bench: { script: "scripts/bench.ts", needs: ["build", "guests"], ownHelp: true },
  crlab: { script: "apps/runner/src/cli/main.ts", needs: ["build", "guests"], ownHelp: true },
  "kernel:series": { script: "scripts/kernel-series.ts", needs: ["build"] },
  fuzz: { script: "scripts/fuzz.ts", needs: ["build", "guests"] },
  "test:programs": { script: "scripts/programs.ts", needs: ["build", "guests"] },
  "test:powercut": { script: "scripts/powercut.ts", needs: ["build", "guests"] },
  "lint:c": { script: "scripts/lint-c.ts", needs: ["build", "lint"] },
};

function fail(...lines) {
  process.stderr.write(`${lines.join("\n")}\n`);
  process.exit(1);
}

function checkNode() {
  const wanted = [20, 9];
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return;
  fail(
    `This needs Node ${wanted.join(".")} or newer; here is ${process.versions.node} (${process.execPath}).`,
    "Install a newer one (nodejs.org, nvm or your distribution) and try again.",
  );
}

/** The npm packages whose installed version is not the one that package-lock.json names. */
function staleModules() {
  const hidden = join(root, "node_modules/.package-lock.json");
  if (!existsSync(hidden)) return ["everything"];
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(hidden, "utf8")).packages;
  return Object.entries(wanted)
    .filter(([path, entry]) => path.startsWith("node_modules/") && !entry.optional && !entry.link)
    .filter(([path, entry]) => installed[path]?.version !== entry.version)
    .map(([path]) => path.slice("node_modules/".length));
}

function installModules() {
  const stale = staleModules();
  if (stale.length === 0) return;
  const fresh = !existsSync(join(root, "node_modules/.package-lock.json"));
  process.stderr.write(`… npm packages (${fresh ? "about 30 s" : stale.slice(0, 4).join(", ")})\n`);
  // Not `npm ci`: it wants entries for the optional packages of platforms that this lock file was not made on.
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  // stdout belongs to the command that is to run.
  const { status } = spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) fail(`✗ npm ${args[0]} failed (exit ${status}); see above.`, "Is npm's registry reachable?");
  process.stderr.write("✓ npm packages\n");
}

function installPackages(groups) {
  const missing = missingPackages(groups);
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (!existsSync("/usr/bin/apt-get")) {
    fail(`Missing: ${list}`, "The lab is made for Debian 12 or newer and cannot install them here by itself.");
  }
  const isRoot = process.getuid?.() === 0;
  const sudo = isRoot ? [] : ["sudo", ...(process.stdin.isTTY ? [] : ["-n"])];
  if (!isRoot && spawnSync("sudo", ["--version"], { stdio: "ignore" }).error) {
    fail("Debian packages are missing and there is neither root nor sudo. As root, run:", `  apt-get install ${list}`);
  }
  process.stderr.write(`… Debian packages: ${list}\n`);
  const apt = (...args) => {
    const argv = [...sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", ...args];
    return spawnSync(argv[0], argv.slice(1), { stdio: ["inherit", "pipe", "pipe"], encoding: "utf8" });
  };
  const update = apt("update");
  const install = apt("install", "--yes", "--no-install-recommends", ...missing);
  if (install.status !== 0) {
    const said = `${update.status === 0 ? "" : update.stderr}${install.stdout}${install.stderr}`.trim().split("\n");
    fail(
      "✗ apt-get could not install them:",
      ...said.slice(-12).map((line) => `    ${line}`),
      isRoot ? "Run it by hand to see more:" : "Without root or sudo's consent, ask somebody who has it to run:",
      `  apt-get update && apt-get install ${list}`,
    );
  }
  process.stderr.write("✓ Debian packages\n");
}

/** The comment at the head of a script is its manual. */
function manual(script) {
  const [, comment] = readFileSync(join(root, script), "utf8").match(/^\/\*\*([\s\S]*?)\*\//);
  return comment.replace(/^ ?\* ?/gm, "").trim();
}

checkNode();
const [name, ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name ?? "") ? commands[name] : undefined;
if (!command) fail(`bootstrap: no command "${name}"; there are ${Object.keys(commands).join(", ")}`);
if (args.includes("--help") && !command.ownHelp) {
  process.stdout.write(`${manual(command.script)}\n`);
  process.exit(0);
}
installModules();
// Asking for help, or what is missing, needs nothing installed.
const asking = name === "crlab" && (args.length === 0 || args.includes("--help") || args[0] === "doctor");
if (!asking) installPackages(command.needs);

const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), join(root, command.script), ...args], {
  stdio: "inherit",
  // npm runs this in the root; people give paths relative to where they stand.
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
// The terminal sends Ctrl-C to the child as well; it decides when to go, and we go with it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => signal !== "SIGINT" && child.kill(signal));
}
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
