import { expect, test } from "vitest";
import { watchMask } from "./watch-mask";

test("a mask is told by its events, and no bit is kept back", () => {
  expect(watchMask("inotify", 0x402)).toBe("MODIFY DELETE_SELF");
  expect(watchMask("inotify", 0xfff)).toBe("all events");
  expect(watchMask("inotify", 0x80000fff)).toBe("all events ONESHOT");
  expect(watchMask("inotify", 0x00100001)).toBe("ACCESS 0x100000");
  expect(watchMask("fanotify", 0x10020)).toBe("OPEN OPEN_PERM");
  expect(watchMask("inotify", 0)).toBe("nothing");
});
