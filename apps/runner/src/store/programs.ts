/** Programs that people bring: kept by what is in them, read only to be put into a guest. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAX_PROGRAM_BYTES, type ProgramInfo, programId } from "@crlab/shared";
import { and, asc, eq, sql } from "drizzle-orm";
import type { Database } from "./database.js";
import { StoreError } from "./errors.js";
import { programKind } from "./program-kind.js";
import { programs } from "./schema.js";

export interface ProgramQuota {
  ownerBytes: number;
  ownerCount: number;
  allBytes: number;
}
const MIB = 1024 * 1024;
const QUOTA: ProgramQuota = { ownerBytes: 128 * MIB, ownerCount: 32, allBytes: 2048 * MIB };

/** The same contents have the same name, and who has neither cannot guess it. */
export const idOfProgram = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex").slice(0, 32);

/** What a guest calls the file: nothing of a stranger's name but plain letters reaches a command line. */
export function plainName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? "";
  const plain = last
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[._-]+/, "")
    .slice(0, 48);
  return plain === "" ? "program" : plain;
}

export class Programs {
  readonly #dir: string;

  constructor(
    private readonly db: Database,
    dataDir: string,
    private readonly quota = QUOTA,
  ) {
    this.#dir = join(dataDir, "programs");
  }

  async put(owner: string, name: string, bytes: Buffer): Promise<ProgramInfo> {
    if (bytes.length > MAX_PROGRAM_BYTES)
      throw new StoreError({
        code: "program.oversized",
        message: `the file has more than ${MAX_PROGRAM_BYTES / MIB} MiB`,
        hint: "strip it, or leave data out that the guest can make itself",
      });
    const info: ProgramInfo = {
      id: idOfProgram(bytes),
      name: plainName(name),
      kind: programKind(bytes),
      bytes: bytes.length,
    };
    const known = (await this.list(owner)).find((p) => p.id === info.id);
    if (known) return known;
    await this.#checkQuota(owner, bytes.length);
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const part = join(this.#dir, `${info.id}.${randomBytes(4).toString("hex")}`);
    // Not executable, for nobody but us.
    writeFileSync(part, bytes, { mode: 0o600 });
    renameSync(part, join(this.#dir, info.id));
    await this.db.insert(programs).values({ ...info, owner, createdAt: new Date().toISOString() });
    return info;
  }

  async #checkQuota(owner: string, more: number): Promise<void> {
    const mine = await this.list(owner);
    const myBytes = mine.reduce((sum, p) => sum + p.bytes, 0);
    if (mine.length >= this.quota.ownerCount || myBytes + more > this.quota.ownerBytes)
      throw new StoreError({
        code: "program.quota",
        message: `you keep ${mine.length} programs of ${Math.ceil(myBytes / MIB)} MiB here; at most ${this.quota.ownerCount}, and ${this.quota.ownerBytes / MIB} MiB`,
        hint: "remove one: `program.remove`",
      });
    const [all] = await this.db.select({ bytes: sql<number>`coalesce(sum(${programs.bytes}), 0)` }).from(programs);
    if ((all?.bytes ?? 0) + more > this.quota.allBytes)
      throw new StoreError({
        code: "program.quota",
        message: "this lab has no room for more programs",
        hint: "ask others to remove some of theirs",
      });
  }

  /** Of one owner; nobody is told of another's. */
  async list(owner: string): Promise<ProgramInfo[]> {
    const rows = await this.db
      .select()
      .from(programs)
      .where(eq(programs.owner, owner))
      .orderBy(asc(programs.createdAt));
    return rows.map(({ id, name, kind, bytes }) => ({ id, name, kind, bytes }));
  }

  /** Experiments that ran it keep their logs, but cannot be run again once nobody else keeps it. */
  async remove(owner: string, id: string): Promise<void> {
    await this.db.delete(programs).where(and(eq(programs.owner, owner), eq(programs.id, id)));
    const [other] = await this.db.select({ id: programs.id }).from(programs).where(eq(programs.id, id));
    if (!other && programId.safeParse(id).success) rmSync(join(this.#dir, id), { force: true });
  }

  /** For whoever knows its id. */
  async open(id: string): Promise<{ info: ProgramInfo; read(): AsyncIterable<Uint8Array> }> {
    const [row] = programId.safeParse(id).success
      ? await this.db.select().from(programs).where(eq(programs.id, id))
      : [];
    const path = join(this.#dir, id);
    if (!row || !existsSync(path))
      throw new StoreError({
        code: "program.unknown",
        message: `this lab has no program ${id}`,
        hint: "upload it again: the same file has the same id",
      });
    const { name, kind, bytes } = row;
    return { info: { id, name, kind, bytes }, read: () => createReadStream(path) };
  }
}
