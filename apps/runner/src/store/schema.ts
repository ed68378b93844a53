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
