import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { gatherPage, leftToRest } from "./resting";

const page = (main: string) =>
  [
    '<html><head><link rel="preload" as="script" nonce="n==" href="/_next/static/chunks/w.js"/>',
    '<script src="/_next/static/chunks/a.js" async="" nonce="n=="></script>',
    '<script src="/_next/static/chunks/old.js" noModule="" nonce="n=="></script></head><body>',
    `${main}<p>ü</p></main><script nonce="n==">self.x=1</script>`,
    '<script nonce="n==">self.__next_f.push([1,"<b>"])</script>',
    '<script src="/_next/static/chunks/w.js" nonce="n==" id="_R_" async=""></script></body></html>',
  ].join("");
const rests = '<main class="c" data-rests="true">';

describe("a page that rests", () => {
  it("names its scripts, and has none fetched", () => {
    const left = leftToRest(page(rests));
    expect(left).not.toMatch(/ src="[^"]*\/[aw]\.js"|as="script"/);
    expect(left.match(/<script data-later="[^"]*" nonce="n=="><\/script>/g)).toEqual([
      '<script data-later="/_next/static/chunks/a.js" nonce="n=="></script>',
      '<script data-later="/_next/static/chunks/w.js" nonce="n=="></script>',
    ]);
    expect(left).toContain(
      '<script type="text/plain" data-later="" nonce="n==">self.__next_f.push([1,"<b>"])</script>',
    );
    // For browsers that have no use for the others.
    expect(left).toContain("old.js");
    expect(left).toContain("self.x=1");
  });

  it("is one only if it says so", () => {
    expect(leftToRest(page('<main class="c">'))).toBe(page('<main class="c">'));
  });
});

describe("an answer that is looked through", () => {
  let server: Server;
  afterEach(() => server.close());
  const visit = async (headers: Record<string, string>, type = "text/html; charset=utf-8") => {
    server = createServer((request, response) => {
      gatherPage(request, response);
      response.setHeader("Content-Type", type);
      // As whoever squeezes does, before the first piece.
      response.writeHead(201, { "X-Made": "here" });
      const whole = Buffer.from(page(rests));
      // In pieces, and parted within a character.
      const at = whole.indexOf("ü") + 1;
      response.write(whole.subarray(0, at));
      response.end(whole.subarray(at));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers });
  };

  it("comes whole, as small as its reader takes it", async () => {
    for (const encoding of ["gzip", "identity"]) {
      const answer = await visit({ accept: "text/html", "accept-encoding": encoding });
      expect([answer.status, answer.headers.get("x-made")]).toEqual([201, "here"]);
      expect(answer.headers.get("content-encoding")).toBe(encoding === "gzip" ? "gzip" : null);
      expect(await answer.text()).toBe(leftToRest(page(rests)));
    }
  });

  it("is left as it is where it is no page, or nobody visits one", async () => {
    expect(await (await visit({ accept: "text/html" }, "text/plain")).text()).toBe(page(rests));
    expect(await (await visit({ accept: "*/*" })).text()).toBe(page(rests));
    expect(await (await visit({ accept: "text/html", rsc: "1" })).text()).toBe(page(rests));
  });
});
