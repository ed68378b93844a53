/** The store: an append-only log per experiment, in SQLite. Readers beside the writer use `openReadOnly` and the queries. */
export { type Database, openReadOnly } from "./database.js";
export { StoreError } from "./errors.js";
export { importArchive } from "./import.js";
export * from "./read.js";
export { openStore, type Store } from "./store.js";
export * from "./sweeps.js";
