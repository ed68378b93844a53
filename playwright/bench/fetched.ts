/** Programs that the lab is measured with and that are no part of it: npm fetches them when they are first needed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "../../apps/runner/src/build/paths.js";

/** Where a package's script lies. */
export async function fetched(name: string, version: string, path: string): Promise<string> {
  const dir = cacheDir("bench", `${name}-${version}`);
  const script = join(dir, "node_modules", name, path);
  if (existsSync(script)) return script;
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "package.json"), '{ "private": true }\n');
  const install = spawn("npm", ["install", `${name}@${version}`, "--no-audit", "--no-fund"], {
    cwd: dir,
    stdio: "ignore",
  });
  const [code] = await once(install, "exit");
  if (code !== 0 || !existsSync(script)) throw new Error(`npm install ${name} ended with ${code}`);
  return script;
}
