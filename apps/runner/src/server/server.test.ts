import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeTerminalFrame, MAX_MESSAGE_BYTES } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { StepError } from "../experiment/errors.js";
import { Lab } from "../experiment/lab.js";
import { openStore, type Store, StoreError } from "../store/index.js";
import { Sweeps } from "../sweep/sweeps.js";
import { type RunnerServer, serve } from "./server.js";
import { Sessions } from "./session.js";
import { Client, connectTo } from "./test-client.js";

let dir: string;
let store: Store;
let lab: Lab;
let server: RunnerServer;
const sockets: WebSocket[] = [];

/** A machine on which nothing has been built: every boot is refused. */
const nothingBuilt = () => Promise.reject(new StepError("kernel.missing", "no kernel here"));

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "crlab-server-"));
  store = await openStore(dir, "a test");
  lab = new Lab(store, nothingBuilt, { guests: 1, idleMs: 600_000 });
  server = await serve(join(dir, "runner.sock"), lab, new Sweeps(lab), new Sessions(dir), {
    consoleUrl: "http://127.0.0.1:4870",
    runnerVersion: "test",
    status: async () => ({ type: "status", guests: 0, freeGuests: 1, accel: "tcg", kernels: [] }),
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server.close();
  await lab.close("the test is over");
  await store.close();
  rmSync(dir, { recursive: true });
});

async function connect(options: ClientOptions = {}): Promise<Client> {
  const client = await connectTo(join(dir, "runner.sock"), options);
  sockets.push(client.socket);
  return client;
}

function newCookie(cookie?: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const headers = cookie === undefined ? {} : { cookie };
    const call = request(
      { socketPath: join(dir, "runner.sock"), path: "/session", method: "POST", headers },
      (answer) => {
        answer.resume();
        resolve(answer.headers["set-cookie"]?.[0]?.split(";")[0]);
      },
    );
    call.on("error", reject);
    call.end();
  });
}

const frame = (experiment: string, terminal = 1) =>
  encodeTerminalFrame({ experiment, terminal, offset: 0, bytes: Buffer.from("ls\n") });

describe("bad input", () => {
  const matrix: [name: string, data: string | Uint8Array, code: string][] = [
    ["not JSON", "{", "message.malformed"],
    ["JSON but no message", "[1,2]", "message.unknown"],
    ["unknown type", '{"id":1,"type":"reboot.host"}', "message.unknown"],
    ["a field too many", '{"id":1,"type":"hello","protocol":1,"x":1}', "message.malformed"],
    ["a field of the wrong type", '{"id":1,"type":"subscribe","experiment":7,"since":0}', "message.malformed"],
    ["an id that is a path", '{"id":1,"type":"subscribe","experiment":"../../etc/x","since":0}', "message.malformed"],
    [
      "a reason that a terminal would obey",
      '{"id":1,"type":"mark","experiment":"AAAAAAAAAA","invalid":"\\u001b[2J"}',
      "message.malformed",
    ],
    ["another protocol", '{"id":1,"type":"hello","protocol":99}', "protocol.version"],
    ["no such experiment", '{"id":1,"type":"subscribe","experiment":"AAAAAAAAAA","since":0}', "experiment.unknown"],
    ["prototype games", '{"id":1,"type":"__proto__"}', "message.unknown"],
    ["an empty frame", new Uint8Array(0), "frame.malformed"],
    ["a short frame", new Uint8Array(31), "frame.malformed"],
    ["a frame of noise", new Uint8Array(64).fill(255), "frame.malformed"],
    ["a frame for nobody", frame("AAAAAAAAAA"), "experiment.unknown"],
    ["an oversized message", `"${"x".repeat(MAX_MESSAGE_BYTES)}"`, "message.oversized"],
    ["an oversized frame", new Uint8Array(MAX_MESSAGE_BYTES + 1), "message.oversized"],
  ];
  it.each(matrix)("%s: a clear error, and the connection goes on", async (_, data, code) => {
    const client = await connect();
    client.socket.send(data);
    await client.error(code);
    expect(await client.ask({ type: "hello", protocol: 1 })).toMatchObject({ type: "reply", ok: true });
  });

  it("ends a connection that sends more than it may in one go, and no other", async () => {
    const [flooder, other] = [await connect(), await connect()];
    flooder.socket.send(new Uint8Array(16 * MAX_MESSAGE_BYTES));
    expect(await flooder.closed).toBe(1009);
    expect(await other.ask({ type: "hello", protocol: 1 })).toMatchObject({ ok: true });
  });

  it("drops a flood of messages and says so", async () => {
    const client = await connect();
    for (let i = 0; i < 1000; i++) client.socket.send(JSON.stringify({ id: 100_000 + i, type: "hello", protocol: 1 }));
    await client.error("rate.limited");
  });

  it.each(["http://evil.example", "null", "http://127.0.0.1:9999"])("refuses a page of %s", async (origin) => {
    await expect(connect({ origin, headers: { host: "127.0.0.1:4870" } })).rejects.toThrow("403");
    const own = await connect({ origin: "http://127.0.0.1:4870", headers: { host: "127.0.0.1:4870" } });
    expect(own.socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe("owners and watchers", () => {
  it("who connects without a good cookie gets one, and is the same with it", async () => {
    let given: string | undefined;
    const first = new WebSocket(`ws+unix://${join(dir, "runner.sock")}:/ws`);
    sockets.push(first);
    first.once("upgrade", (answer) => {
      given = answer.headers["set-cookie"]?.[0]?.split(";")[0];
    });
    const client = new Client(first);
    await new Promise((resolve) => first.once("open", resolve));
    const id = await client.create();
    const again = await connect({ headers: { cookie: given ?? "" } });
    expect(await again.ask({ type: "subscribe", experiment: id, since: 0 })).toMatchObject({ mayDrive: true });
    expect(await newCookie(given)).toBeUndefined();
  });

  it("lets the browser that made an experiment drive it, and others watch", async () => {
    const cookie = await newCookie();
    if (cookie === undefined) throw new Error("no cookie");
    expect(await newCookie(cookie)).toBeUndefined();
    expect(await newCookie(cookie.replace(/.$/, "_"))).toBeDefined();
    const owner = await connect({ headers: { cookie } });
    const id = await owner.create();
    const again = await connect({ headers: { cookie } });
    expect(await again.ask({ type: "subscribe", experiment: id, since: 0 })).toMatchObject({ mayDrive: true });
    expect(await again.ask({ type: "rename", experiment: id, title: "Mine" })).toMatchObject({ ok: true });

    const forged = await connect({ headers: { cookie: cookie.replace(/\.[^.]*$/, ".AAAA") } });
    expect(await forged.ask({ type: "subscribe", experiment: id, since: 0 })).toMatchObject({ mayDrive: false });
    for (const message of [
      { type: "step", experiment: id, step: { kind: "boot" } },
      { type: "run", experiment: id },
      { type: "end", experiment: id },
      { type: "rename", experiment: id, title: "Yours" },
      { type: "terminal.open", experiment: id, cols: 80, rows: 24 },
    ])
      expect(await forged.ask(message)).toMatchObject({ error: { code: "not.owner" } });
    forged.socket.send(frame(id));
    await forged.error("not.owner");
    await forged.until((m) => m.type === "watchers" && m.count === 2);
  });

  it("shows everyone the same log, without loss or doubles, whenever they come", async () => {
    const owner = await connect();
    const id = await owner.create();
    const early = await connect();
    await early.ask({ type: "subscribe", experiment: id, since: 0 });
    for (let i = 0; i < 50; i++) await owner.ask({ type: "rename", experiment: id, title: `T${i}` });
    const late = await connect();
    await late.ask({ type: "subscribe", experiment: id, since: 20 });
    await owner.ask({ type: "end", experiment: id });
    for (const client of [early, late])
      await client.until((m) => m.type === "events" && m.events.some((e) => e.type === "experiment.ended"));
    const seqs = early.events(id).map((e) => e.seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    expect(late.events(id)).toEqual(early.events(id).slice(20));
    const after = await connect();
    await after.ask({ type: "subscribe", experiment: id, since: 0 });
    await after.until((m) => m.type === "events" && m.events.some((e) => e.type === "experiment.ended"));
    expect(after.events(id)).toEqual(early.events(id));
  });
});

describe("experiments", () => {
  it("who is gone before the answer was there watches nothing", async () => {
    const owner = await connect();
    const id = await owner.create();
    const exists = lab.exists.bind(lab);
    let goOn = () => {};
    const hasty = await connect();
    const asked = new Promise<void>((resolve) => {
      lab.exists = async (of) => {
        resolve();
        await new Promise<void>((go) => {
          goOn = go;
        });
        return exists(of);
      };
    });
    hasty.socket.send(JSON.stringify({ id: 1, type: "subscribe", experiment: id, since: 0 }));
    await asked;
    hasty.socket.terminate();
    await hasty.closed;
    await owner.ask({ type: "hello", protocol: 1 });
    lab.exists = exists;
    goOn();
    await owner.ask({ type: "subscribe", experiment: id, since: 0 });
    await owner.ask({ type: "hello", protocol: 1 });
    expect(lab.watchersOf(id)).toBe(1);
  });

  it("says why to all who watch when the log cannot be written any more", async () => {
    const owner = await connect();
    const id = await owner.create();
    const other = await connect();
    for (const client of [owner, other]) await client.ask({ type: "subscribe", experiment: id, since: 0 });
    store.append = () =>
      Promise.reject(new StoreError({ code: "disk.full", message: "the disk is full", hint: "free some space" }));
    expect(await owner.ask({ type: "rename", experiment: id, title: "T2" })).toMatchObject({
      error: { code: "disk.full" },
    });
    for (const client of [owner, other])
      await client.until(
        (m) => m.type === "watchers" && m.experiment === id && m.unwritable?.hint === "free some space",
      );
    // Whoever comes now is told, too.
    const late = await connect();
    await late.ask({ type: "subscribe", experiment: id, since: 0 });
    await late.until((m) => m.type === "watchers" && m.unwritable?.code === "disk.full");
    expect(lab.open.size).toBe(0);
  });

  it("notes a boot that is refused, and judges", async () => {
    const client = await connect();
    const id = await client.create(true);
    await client.ask({ type: "subscribe", experiment: id, since: 0 });
    await client.until((m) => m.type === "events" && m.events.some((e) => e.type === "step.failed"));
    await client.ask({ type: "end", experiment: id });
    await client.until((m) => m.type === "events" && m.events.some((e) => e.type === "experiment.ended"));
    expect(client.events(id).map((e) => e.type)).toEqual([
      "experiment.created",
      "step.started",
      "guest.booting",
      "guest.ended",
      "step.failed",
      "experiment.ended",
    ]);
    expect(await client.ask({ type: "step", experiment: id, step: { kind: "boot" } })).toMatchObject({
      error: { code: "experiment.ended" },
    });
    const fork = await client.ask({ type: "fork", experiment: id });
    expect(fork).toMatchObject({ ok: true });
  });
});

it("takes a program from a browser with a session, under a plain name, and refuses what is none", async () => {
  const cookie = (await newCookie()) ?? "";
  const upload = (body: Buffer, headers: Record<string, string>) =>
    new Promise<{ status: number | undefined; said: string }>((resolve, reject) => {
      const path = `/upload?name=${encodeURIComponent("../../$(reboot) x")}`;
      const call = request({ socketPath: join(dir, "runner.sock"), path, method: "POST", headers }, (answer) => {
        let said = "";
        answer.on("data", (part: Buffer) => {
          said += part.toString("utf8");
        });
        answer.on("end", () => resolve({ status: answer.statusCode, said }));
      });
      call.on("error", reject);
      call.end(body);
    });
  const script = Buffer.from("#!/bin/sh\ntrue\n");
  const stranger = await upload(script, {});
  expect(stranger.status).toBe(403);
  expect(JSON.parse(stranger.said)).toMatchObject({ error: { code: "session.none", hint: expect.any(String) } });
  const taken = await upload(script, { cookie });
  expect(taken.status).toBe(200);
  expect(JSON.parse(taken.said)).toMatchObject({ program: { name: "reboot__x", kind: "script" } });
  const refused = await upload(Buffer.from("hello"), { cookie });
  expect(refused.status).toBe(400);
  expect(JSON.parse(refused.said)).toMatchObject({ error: { code: "program.refused" } });
});
