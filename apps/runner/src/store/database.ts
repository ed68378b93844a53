/** The SQLite database: opened for the one writer, or for readers beside it. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, createClient } from "@libsql/client";
import { drizzle, type LibSQLDatabase } from "drizzle-orm/libsql";
import { migrate } from "drizzle-orm/libsql/migrator";
import { storeError } from "./errors.js";

export type Database = LibSQLDatabase & { $client: Client };

const BUSY_TIMEOUT_MS = 5000;

export const databasePath = (dataDir: string): string => join(dataDir, "crlab.db");

/** Opens the database for writing, makes it if need be, and brings its tables up to date. */
export async function openDatabase(dataDir: string): Promise<Database> {
  const path = databasePath(dataDir);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o755 });
    const client = createClient({ url: `file:${path}` });
    await client.execute(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    await client.execute("PRAGMA journal_mode=WAL");
    // An event that was acknowledged survives a power cut as well as a kill -9 (terminals' bytes: see the store).
    await client.execute("PRAGMA synchronous=FULL");
    const db = drizzle({ client });
    await migrate(db, { migrationsFolder: fileURLToPath(new URL("../../migrations", import.meta.url)) });
    return db;
  } catch (error) {
    throw storeError(error, path);
  }
}

/** Opens the database for reading beside the writer; undefined while there is none yet. */
export async function openReadOnly(dataDir: string): Promise<Database | undefined> {
  const path = databasePath(dataDir);
  if (!existsSync(path)) return undefined;
  const client = createClient({ url: `file:${path}` });
  await client.execute(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
  await client.execute("PRAGMA query_only=1");
  return drizzle({ client });
}
