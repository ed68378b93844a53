import { describe, expect, it } from "vitest";
import { Link, LinkCut, type LinkStream } from "./link.js";

async function cross(stream: LinkStream, chunks: Uint8Array[]): Promise<{ text: string; ms: number; firstMs: number }> {
  const began = performance.now();
  let firstMs = -1;
  const received: Uint8Array[] = [];
  const reading = (async () => {
    for await (const bytes of stream.arriving()) {
      if (firstMs < 0) firstMs = performance.now() - began;
      received.push(bytes);
    }
  })();
  for (const chunk of chunks) await stream.send(chunk);
  stream.end();
  await reading;
  return { text: Buffer.concat(received).toString("latin1"), ms: performance.now() - began, firstMs };
}

describe("a link", () => {
  it("hands on all bytes in order", async () => {
    const link = new Link({ latencyMs: 0 });
    const chunks = Array.from({ length: 300 }, (_, i) => Buffer.from(`${i},`));
    const { text } = await cross(link.open(), chunks);
    expect(text).toBe(Buffer.concat(chunks).toString("latin1"));
    expect(link.bytes).toBe(text.length);
  });

  it("takes the time its bandwidth says", async () => {
    const chunks = Array.from({ length: 32 }, () => Buffer.alloc(32 * 1024));
    const { ms } = await cross(new Link({ mibPerS: 5, latencyMs: 0 }).open(), chunks);
    // 1 MiB at 5 MiB/s. It cannot be faster, but for the slack at its beginning; how much slower is the machine's affair.
    expect(ms).toBeGreaterThan(190);
  });

  it("delivers nothing before its latency", async () => {
    const { firstMs } = await cross(new Link({ latencyMs: 80 }).open(), [Buffer.from("x")]);
    expect(firstMs).toBeGreaterThan(75);
  });

  it("holds back who sends more than is taken", async () => {
    const stream = new Link({ latencyMs: 0 }).open();
    const sent: number[] = [];
    const sending = (async () => {
      for (let i = 0; i < 64; i++) {
        await stream.send(Buffer.alloc(64 * 1024));
        sent.push(i);
      }
      stream.end();
    })();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent.length).toBeLessThan(64);
    let bytes = 0;
    for await (const chunk of stream.arriving()) bytes += chunk.length;
    await sending;
    expect(bytes).toBe(64 * 64 * 1024);
  });

  it("fails its far end when it is cut, and holds nobody back any more", async () => {
    const link = new Link({ mibPerS: 1, latencyMs: 10 });
    const stream = link.open();
    const reading = (async () => {
      for await (const _ of stream.arriving());
    })();
    reading.catch(() => undefined);
    await stream.send(Buffer.alloc(64 * 1024));
    link.cut("a fox ate it");
    await expect(reading).rejects.toThrow(LinkCut);
    await expect(link.broken).rejects.toThrow("a fox ate it");
    for (let i = 0; i < 1000; i++) await stream.send(Buffer.alloc(64 * 1024));
    const later = link.open();
    await expect(later.arriving().next()).rejects.toThrow("a fox ate it");
  });
});
