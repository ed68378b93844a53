import { foldAll, type LogEvent, type ServerMessage } from "@crlab/shared";
import { describe, expect, it, vi } from "vitest";
import { ExperimentFeed } from "./experiment-feed";
import { RequestError, RunnerSocket } from "./runner-socket";

const note = (seq: number): LogEvent => ({ seq, atMs: seq * 10, type: "note", text: `note ${seq}` });

describe("ExperimentFeed", () => {
  it("starts with the view it is given", () => {
    const log = [note(1), note(2)];
    const feed = new ExperimentFeed(new RunnerSocket(), "abcdefgh", foldAll(log), true);
    expect(feed.current().view.notes.map((n) => n.text)).toEqual(["note 1", "note 2"]);
    expect(feed.current().view.lastSeq).toBe(2);
    expect(feed.current().mayDrive).toBe(true);
  });

  it("is told of an end that the log cannot tell yet, and takes the log's own when that comes", async () => {
    const socket = new RunnerSocket();
    let hear: (message: ServerMessage) => void = () => undefined;
    vi.spyOn(socket, "onMessage").mockImplementation((listener) => {
      hear = listener;
      return () => undefined;
    });
    const feed = new ExperimentFeed(socket, "abcdefgh", foldAll([note(1)]), true);
    feed.follow();
    const watchers = { type: "watchers", experiment: "abcdefgh", count: 1 } as const;
    hear({ ...watchers, unwritable: { code: "disk.full", message: "the disk is full" } });
    const view = () => feed.current().view;
    await vi.waitFor(() => expect(view().status).toBe("interrupted"));
    expect(view()).toMatchObject({ reason: "the log could not be written: the disk is full", lastSeq: 1 });
    const end: LogEvent = { seq: 2, atMs: 30, type: "experiment.interrupted", reason: "as it was stored" };
    hear({ type: "events", experiment: "abcdefgh", events: [end] });
    await vi.waitFor(() => expect(view().reason).toBe("as it was stored"));
    expect(view().lastSeq).toBe(2);
    hear(watchers);
    expect(view().status).toBe("interrupted");
  });

  it.each([
    { kind: "away", mayDrive: true, what: "is cut off before the answer, and drives on" },
    { kind: "open", mayDrive: false, what: "is told that it is not known, and watches" },
  ] as const)("$what", async ({ kind, mayDrive }) => {
    const error = { code: "x", message: "no answer" };
    const socket = new RunnerSocket();
    const link = vi.spyOn(socket, "linkState").mockReturnValue({ kind: "open" });
    const request = vi.spyOn(socket, "request").mockImplementation(async () => {
      link.mockReturnValue(kind === "away" ? { kind, error } : { kind });
      throw new RequestError(error);
    });
    const feed = new ExperimentFeed(socket, "abcdefgh", foldAll([note(1)]), true);
    feed.follow();
    await vi.waitFor(() => expect(request).toHaveBeenCalled());
    await new Promise((resolve) => setTimeout(resolve));
    expect(feed.current().mayDrive).toBe(mayDrive);
  });
});
