import { foldAll, type LogEvent } from "@crlab/shared";
import { describe, expect, it } from "vitest";
import { ExperimentFeed } from "./experiment-feed";
import { RunnerSocket } from "./runner-socket";

const note = (seq: number): LogEvent => ({ seq, atMs: seq * 10, type: "note", text: `note ${seq}` });

describe("ExperimentFeed", () => {
  it("starts with the view it is given", () => {
    const log = [note(1), note(2)];
    const feed = new ExperimentFeed(new RunnerSocket(), "abcdefgh", foldAll(log), true);
    expect(feed.current().view.notes.map((n) => n.text)).toEqual(["note 1", "note 2"]);
    expect(feed.current().view.lastSeq).toBe(2);
    expect(feed.current().mayDrive).toBe(true);
  });
});
