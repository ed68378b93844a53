import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { accessToken, hostInUrl, isLoopback, listenHost } from "./access.js";

it.each([
  [[], {}, "127.0.0.1"],
  [[], { CRLAB_HOST: "::" }, "::"],
  [["--host", "0.0.0.0"], { CRLAB_HOST: "::" }, "0.0.0.0"],
  [["--host=lab.example"], {}, "lab.example"],
])("listens where it is told: %j %j", (argv, env, host) => {
  expect(listenHost(argv, env)).toBe(host);
});

it.each([[["--host"]], [["--host", "a b"]], [["--host", "http://x"]], [["--host="]]])("refuses %j", (argv) => {
  expect(() => listenHost(argv, {})).toThrow();
});

it("knows what is this machine alone", () => {
  expect(["127.0.0.1", "LOCALHOST", "::1", "0.0.0.0", "::", "10.0.0.1"].map(isLoopback)).toEqual([
    ...[true, true, true],
    ...[false, false, false],
  ]);
  expect(["0.0.0.0", "::", "fe80::1", "lab"].map(hostInUrl)).toEqual(["127.0.0.1", "[::1]", "[fe80::1]", "lab"]);
});

it("keeps one token in a file that only its user reads", () => {
  const dir = mkdtempSync(join(tmpdir(), "crlab-token-"));
  try {
    const token = accessToken(dir);
    expect(token).toMatch(/^[A-Za-z0-9_-]{24}$/);
    expect(accessToken(dir)).toBe(token);
    expect(statSync(join(dir, "access.token")).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
