/** The tables. An experiment's row is an index over its log: it can be made again from the events. */
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const experiments = sqliteTable(
  "experiments",
  {
    id: text().primaryKey(),
    title: text().notNull(),
    question: text(),
    /** Who may drive it: the random name in a browser's signed cookie. Never shown. */
    owner: text().notNull(),
    createdAt: text("created_at").notNull(),
    status: text({ enum: ["open", "ended", "interrupted"] }).notNull(),
    verdict: text({ enum: ["pass", "fail"] }),
    forkedFrom: text("forked_from"),
    lastSeq: integer("last_seq").notNull(),
    lastMs: integer("last_ms").notNull(),
    /** What else one may look for it by: kernel, engine, its steps. */
    words: text().notNull().default(""),
  },
  (table) => [index("experiments_by_time").on(table.createdAt)],
);

export const events = sqliteTable(
  "events",
  {
    experimentId: text("experiment_id").notNull(),
    seq: integer().notNull(),
    atMs: integer("at_ms").notNull(),
    type: text().notNull(),
    /** Set for terminal.output only, so that one terminal can be read without the rest, */
    terminal: integer(),
    /** and from a position in its output: where this chunk ends. */
    endOffset: integer("end_offset"),
    /** The whole event. */
    json: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.experimentId, table.seq] }),
    index("events_by_terminal").on(table.experimentId, table.terminal, table.endOffset),
  ],
);

/** Programs that people have brought. Their bytes are files beside the database, named by their contents. */
export const programs = sqliteTable(
  "programs",
  {
    id: text().notNull(),
    owner: text().notNull(),
    name: text().notNull(),
    kind: text({ enum: ["program", "script", "tar", "tar.gz"] }).notNull(),
    bytes: integer().notNull(),
    createdAt: text("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.owner, table.id] })],
);

/** An experiment over a grid. Its results are those of its runs, which are experiments. */
export const sweeps = sqliteTable(
  "sweeps",
  {
    id: text().primaryKey(),
    title: text().notNull(),
    owner: text().notNull(),
    createdAt: text("created_at").notNull(),
    /** `running` is also said of one that a runner left unfinished: the next one goes on with it. */
    status: text({ enum: ["running", "done", "stopped"] }).notNull(),
    /** Why it was stopped. */
    reason: text(),
    /** The experiment file with its grid. */
    json: text().notNull(),
  },
  (table) => [index("sweeps_by_time").on(table.createdAt)],
);

/** Which experiment is which run of a sweep. A run that was cut short is tried again, as another experiment. */
export const sweepRuns = sqliteTable(
  "sweep_runs",
  {
    experimentId: text("experiment_id").primaryKey(),
    sweepId: text("sweep_id").notNull(),
    no: integer().notNull(),
    /** Null while it runs; `cut` runs count for nothing. */
    outcome: text({ enum: ["done", "cut"] }),
  },
  (table) => [index("sweep_runs_by_sweep").on(table.sweepId, table.no)],
);
