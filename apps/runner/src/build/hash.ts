/** Content hashes: what a built thing was built from. */
import { createHash } from "node:crypto";
import { createReadStream, type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** SHA-256 of parts, each with its length, so that no two lists collide by concatenation. */
export function hashOf(...parts: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

/** As much of a hash as names need. */
export function short(hash: string): string {
  return hash.slice(0, 12);
}

/** SHA-256 of a file of any size. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

/** Regular files under a folder, as sorted relative paths; none if there is no such folder. Editors' droppings are left out. */
export function filesUnder(dir: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  return entries
    .filter((entry) => entry.isFile() && !/^\.|~$|\.(orig|rej|swp|o|tmp)$|^#/.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

/** Trees that were hashed, and of which state of their files: a guest that is booted asks each time. */
const hashed = new Map<string, { state: string; hash: string }>();
/** What was written so lately may be written once more without looking any different. */
const SETTLED_MS = 100;

/** One hash over names, contents and executable bits of all files under the folders; what make put there is left out. */
export function hashTree(...dirs: string[]): string {
  const files = dirs.flatMap((dir) =>
    filesUnder(dir)
      .filter((path) => !/(^|\/)build\//.test(path))
      .map((path) => ({ path, full: join(dir, path), stat: statSync(join(dir, path)) })),
  );
  const state = files
    .map(({ full, stat: s }) => [full, s.ino, s.mode, s.size, s.mtimeMs, s.ctimeMs].join(" "))
    .join("\n");
  const key = dirs.join("\n");
  const known = hashed.get(key);
  if (known?.state === state) return known.hash;
  const latestMs = Math.max(0, ...files.map(({ stat }) => stat.ctimeMs));
  const settled = latestMs < Date.now() - SETTLED_MS;
  const hash = hashOf(
    ...files.flatMap(({ path, full, stat }) => [path, stat.mode & 0o111 ? "x" : "-", readFileSync(full)]),
  );
  if (settled) hashed.set(key, { state, hash });
  return hash;
}
