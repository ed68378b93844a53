import type { BenchGuest } from "../bench-guest.js";
import type { Bench } from "./bench.js";
import { dumpAndRestore } from "./dump-and-restore.js";

const KEYS = 100_000;
export const REDIS = "redis, 100,000 keys";

async function start(guest: BenchGuest): Promise<number> {
  // Loopback is down in a guest without a network; redis listens there.
  await guest.sh("ip link set lo up");
  const pid = await guest.launch([
    "redis-server",
    "--save",
    "''",
    "--port",
    "7777",
    "--dir",
    "/tmp",
    "--enable-debug-command",
    "yes",
  ]);
  await guest.sh("until redis-cli -p 7777 ping 2>/dev/null | grep -q PONG; do sleep 0.05; done");
  const populated = await guest.sh(`redis-cli -p 7777 debug populate ${KEYS} key 64`);
  if (populated !== "OK") throw new Error(`redis was not filled: ${populated}`);
  return pid;
}

async function verify(guest: BenchGuest): Promise<void> {
  const size = Number(await guest.sh("redis-cli -p 7777 dbsize"));
  const value = await guest.sh("redis-cli -p 7777 strlen key:4711");
  if (size !== KEYS || value !== "64") throw new Error(`redis came back with ${size} keys, key:4711 of ${value} bytes`);
}

export const redis: Bench = {
  name: "redis",
  about: `dump and restore of redis-server with ${KEYS} keys`,
  run: (context) => dumpAndRestore(context, "redis", { workload: REDIS, start, verify }),
};
