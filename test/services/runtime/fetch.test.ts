import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

import { expect } from "chai";

import { LOCAL_POLICY, PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import type { FetchPolicy } from "../../../runtime/fetch/FetchPolicy.ts";
import { fetchJsonDocument } from "../../../runtime/fetch/fetchJsonDocument.ts";
import type { DocumentOptions } from "../../../runtime/fetch/fetchJsonDocument.ts";
import { isPublicAddress } from "../../../runtime/fetch/isPublicAddress.ts";
import { MAX_DOCUMENT_BYTES, safeRequest } from "../../../runtime/fetch/safeRequest.ts";

const CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
const CARD = { name: "Ada", size: "ünïcode" };

/** The error that `work` ends with; a success is told as one. */
async function errorOf(work: Promise<unknown>): Promise<{ code?: unknown; reaction?: unknown; payload?: unknown }> {
  return await work.then(
    () => ({ code: "it succeeded" }),
    (error: object) => error,
  );
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return (await errorOf(work)).code;
}

describe("isPublicAddress", () => {
  for (const address of ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001:80b::200e", "::ffff:1.1.1.1", "::ffff:101:101", "64:ff9b::101:101"]) {
    it(`address: ${address} is public`, () => expect(isPublicAddress(address)).to.equal(true));
  }
  for (const address of [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1.1.1.1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "3fff::1", "5f00::1", "not an address", "",
  ]) {
    it(`address: ${address} is not`, () => expect(isPublicAddress(address)).to.equal(false));
  }
});

describe("fetch of strangers' documents", () => {
  let server: Server;
  let port: number;
  let base: string;
  let onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  let requests: string[];
  const sockets = new Set<Socket>();

  /** The test server's address counts as public, every other one on this machine does not. */
  const policy: FetchPolicy = {
    allowHttp: true,
    ports: undefined,
    isAllowedAddress: (address) => address === "127.0.0.2" || isPublicAddress(address),
    resolve: async (host) => {
      if (host === "public.test") return ["127.0.0.2"];
      if (host === "inside.test") return ["10.0.0.7"];
      if (host === "both.test") return ["127.0.0.2", "192.168.0.1"];
      throw new Error("no such name");
    },
  };
  const fetchIt = (path: string, options: DocumentOptions = {}): Promise<unknown> => fetchJsonDocument(`${base}${path}`, { policy, timeoutMs: 5_000, ...options }).then(({ json }) => json);
  const answer = (body: string | Uint8Array, headers: Record<string, string> = {}, status = 200): void => {
    onRequest = (_request, response) => {
      response.writeHead(status, headers);
      response.end(body);
    };
  };
  const redirectTo = (location: string, status = 302): void => answer("", { location }, status);

  before(async () => {
    server = createServer((request, response) => {
      requests.push(`${request.headers.host}${request.url}`);
      onRequest(request, response);
    });
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => sockets.delete(socket));
    });
    server.listen(0, "0.0.0.0");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    base = `http://public.test:${port}`;
  });
  beforeEach(() => {
    requests = [];
    answer(JSON.stringify(CARD));
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });

  it("document: is read, plain and packed in each known way", async () => {
    expect(await fetchIt("/card.json")).to.deep.equal(CARD);
    const bytes = Buffer.from(JSON.stringify(CARD));
    for (const [encoding, packed] of [["gzip", gzipSync(bytes)], ["deflate", deflateSync(bytes)], ["br", brotliCompressSync(bytes)]] as const) {
      answer(packed, { "content-encoding": encoding });
      expect(await fetchIt("/"), encoding).to.deep.equal(CARD);
    }
  });

  it("document: is not taken when it is no JSON, no UTF-8, packed unknowably or brokenly, or nested too deep", async () => {
    answer("<html>", { "content-type": "text/html" });
    expect(await codeOf(fetchIt("/"))).to.equal("fetch/json");
    answer(Uint8Array.of(0x22, 0xff, 0x22));
    expect(await codeOf(fetchIt("/"))).to.equal("fetch/json");
    answer("[".repeat(50_000));
    expect(await codeOf(fetchIt("/"))).to.equal("fetch/json");
    answer("{}", { "content-encoding": "gzip, gzip" });
    expect(await codeOf(fetchIt("/"))).to.equal("fetch/encoding");
    for (const encoding of ["gzip", "deflate", "br"]) {
      answer("this was never packed", { "content-encoding": encoding });
      expect(await codeOf(fetchIt("/")), encoding).to.equal("fetch/encoding");
    }
    answer('"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\""');
    expect(await fetchIt("/")).to.be.a("string");
  });

  it("size: is bounded when the length is announced, not announced, or a lie", async () => {
    answer("x".repeat(MAX_DOCUMENT_BYTES + 1));
    expect(await codeOf(fetchIt("/"))).to.equal("fetch/tooLarge");
    onRequest = (_request, response) => {
      const feed = (): void => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
      };
      response.on("drain", feed);
      feed();
    };
    expect(await codeOf(fetchIt("/endless"))).to.equal("fetch/tooLarge");
    onRequest = (request) => void request.socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}${"x".repeat(1_000_000)}`);
    expect(await fetchIt("/longer than said")).to.deep.equal({});
    onRequest = (request) => void request.socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}");
    expect(await codeOf(fetchIt("/shorter"))).to.equal("fetch/truncated");
  });

  it("size: is bounded for what is unpacked, and for what is packed", async () => {
    answer(gzipSync(Buffer.alloc(50_000_000, 0x20)), { "content-encoding": "gzip" });
    expect(await codeOf(fetchIt("/bomb"))).to.equal("fetch/tooLarge");
    const nothing = gzipSync(Buffer.alloc(0));
    onRequest = (_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      const block = Buffer.concat(Array.from({ length: 1_000 }, () => nothing));
      const feed = (): void => {
        while (!response.destroyed && response.write(block));
      };
      response.on("drain", feed);
      feed();
    };
    expect(await codeOf(fetchIt("/endless nothing"))).to.equal("fetch/tooLarge");
  });

  it("time: is bounded when headers or body come drop by drop, or never, or the name is not answered", async () => {
    const options = { timeoutMs: 150 };
    onRequest = () => undefined;
    expect(await codeOf(fetchIt("/silent", options))).to.equal("fetch/timeout");
    onRequest = ({ socket }) => {
      const drip = setInterval(() => socket.write("x"), 20);
      socket.once("close", () => clearInterval(drip));
      socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
    };
    expect(await codeOf(fetchIt("/slow headers", options))).to.equal("fetch/timeout");
    onRequest = (_request, response) => {
      const drip = setInterval(() => response.write(" "), 20);
      response.once("close", () => clearInterval(drip));
    };
    expect(await codeOf(fetchIt("/slow body", options))).to.equal("fetch/timeout");
    const silent: FetchPolicy = { ...policy, resolve: () => new Promise(() => undefined) };
    expect(await codeOf(fetchIt("/", { ...options, policy: silent }))).to.equal("fetch/timeout");
  });

  it("request: ends at once when the caller calls it off", async () => {
    onRequest = () => undefined;
    const controller = new AbortController();
    const work = codeOf(fetchIt("/", { signal: controller.signal }));
    controller.abort();
    expect(await work).to.equal("fetch/aborted");
    expect(await codeOf(fetchIt("/", { signal: AbortSignal.abort() }))).to.equal("fetch/aborted");
  });

  it("host: is refused when any of its addresses is private, however it is written, and nothing is sent", async () => {
    const hosts = ["inside.test", "both.test", "127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.169.254", "0"];
    for (const host of hosts) expect(await codeOf(fetchJsonDocument(`http://${host}:${port}/`, { policy })), host).to.equal("fetch/address");
    expect(await codeOf(fetchJsonDocument(`https://localhost/`))).to.equal("fetch/address");
    expect(await codeOf(fetchJsonDocument(`http://nowhere.test:${port}/`, { policy }))).to.equal("fetch/dns");
    expect(requests).to.deep.equal([]);
  });

  it("connection: goes to the address that was checked, though the name would answer differently the second time", async () => {
    let asked = 0;
    const rebinding: FetchPolicy = {
      ...policy,
      resolve: async () => {
        asked += 1;
        return [asked === 1 ? "127.0.0.2" : "127.0.0.1"];
      },
    };
    const local: string[] = [];
    onRequest = (request, response) => {
      local.push(String(request.socket.localAddress));
      response.end("{}");
    };
    await fetchIt("/", { policy: rebinding });
    expect([asked, local]).to.deep.equal([1, ["127.0.0.2"]]);
    redirectTo("/again");
    expect(await codeOf(fetchIt("/", { policy: { ...rebinding, resolve: async () => [(asked += 1) === 2 ? "127.0.0.2" : "127.0.0.1"] } }))).to.equal("fetch/address");
  });

  it("redirect: is followed three times and no more, and each target is checked like the first URL", async () => {
    let hops = 0;
    onRequest = (_request, response) => {
      hops += 1;
      if (hops <= 3) response.writeHead(307, { location: `/hop${hops}` }).end();
      else response.end(JSON.stringify(CARD));
    };
    expect(await fetchIt("/")).to.deep.equal(CARD);
    expect(requests).to.have.length(4);
    redirectTo("/loop");
    expect(await codeOf(fetchIt("/"))).to.equal("fetch/redirects");
    for (const [target, code] of [
      [`http://127.0.0.1:${port}/secret`, "fetch/address"],
      [`http://inside.test:${port}/`, "fetch/address"],
      ["http://169.254.169.254/latest/meta-data", "fetch/address"],
      ["file:///etc/passwd", "fetch/scheme"],
      ["data:application/json,{}", "fetch/scheme"],
      [`http://user:pass@public.test:${port}/`, "fetch/url"],
      ["http://[", "fetch/url"],
    ] as const) {
      redirectTo(target);
      expect(await codeOf(fetchIt("/")), target).to.equal(code);
    }
    expect(requests.filter((request) => request.includes("secret"))).to.deep.equal([]);
  });

  it("URL: is refused with credentials, another scheme, another port, or plain http, unless the policy allows it", async () => {
    for (const [url, code] of [
      ["https://user@example.org/", "fetch/url"],
      ["https://:pass@example.org/", "fetch/url"],
      ["https://example.org:22/", "fetch/port"],
      ["https://example.org:6379/", "fetch/port"],
      ["http://example.org/", "fetch/scheme"],
      ["ftp://example.org/", "fetch/scheme"],
      ["file:///etc/passwd", "fetch/scheme"],
      ["//example.org/", "fetch/url"],
      ["", "fetch/url"],
      [`https://example.org/${"x".repeat(3_000)}`, "fetch/url"],
    ] as const) {
      expect(await codeOf(fetchJsonDocument(url)), url.slice(0, 40)).to.equal(code);
    }
    expect(PUBLIC_POLICY.allowHttp).to.equal(false);
    expect((await fetchJsonDocument(`http://localhost:${port}/`, { policy: LOCAL_POLICY })).json).to.deep.equal(CARD);
  });

  it("status: tells what may pass from what stays", async () => {
    for (const [status, reaction] of [[404, "reject"], [410, "reject"], [429, "retry"], [503, "retry"], [204, "reject"]] as const) {
      answer("", {}, status);
      const error = await errorOf(fetchIt("/"));
      expect([error.code, error.reaction, error.payload], String(status)).to.deep.equal(["fetch/status", reaction, { host: `public.test:${port}`, status }]);
    }
    expect(await codeOf(fetchJsonDocument("http://public.test:1/", { policy }))).to.equal("fetch/network");
  });

  it("ipfs: goes through the gateway, stays under its CID, and follows no redirect into the private network", async () => {
    const ipfsGateway = `http://127.0.0.1:${port}`;
    const read = (url: string, more: DocumentOptions = {}): Promise<unknown> => fetchJsonDocument(url, { policy, ipfsGateway, ...more }).then(({ json }) => json);
    expect(await read(`ipfs://${CID}/card.json`)).to.deep.equal(CARD);
    expect(await read(`ipfs://ipfs/${CID}`)).to.deep.equal(CARD);
    expect(requests).to.deep.equal([`127.0.0.1:${port}/ipfs/${CID}/card.json`, `127.0.0.1:${port}/ipfs/${CID}`]);
    for (const path of ["/../../api/v0/id", "/%2e%2e/%2E%2E/api", "/a/../../x"]) expect(await codeOf(read(`ipfs://${CID}${path}`)), path).to.equal("fetch/url");
    for (const url of [`ipfs://${CID}?x=1`, "ipfs://short", "ipfs://"]) expect(await codeOf(read(url)), url).to.equal("fetch/url");
    expect(await codeOf(fetchJsonDocument(`ipfs://${CID}`))).to.equal("fetch/scheme");
    redirectTo(`http://127.0.0.1:${port}/secret`);
    expect(await codeOf(read(`ipfs://${CID}`))).to.equal("fetch/address");
  });

  it("data URL: is read in base64 and plain, and refused when of another type, too large or broken", async () => {
    const read = (url: string): Promise<unknown> => fetchJsonDocument(url).then(({ json }) => json);
    const base64 = Buffer.from(JSON.stringify(CARD)).toString("base64");
    expect(await read(`data:application/json;base64,${base64}`)).to.deep.equal(CARD);
    expect(await read(`data:application/json;charset=utf-8;base64,${base64}`)).to.deep.equal(CARD);
    expect(await read(`data:application/json,${encodeURIComponent(JSON.stringify(CARD))}`)).to.deep.equal(CARD);
    expect(await read(`data:application/json,${JSON.stringify(CARD)}`)).to.deep.equal(CARD);
    for (const url of [`data:text/html;base64,${base64}`, "data:application/json;base64,§§", "data:application/json", "data:application/json,%E0%A4%A", `data:application/json;enc=gzip;base64,${base64}`]) {
      expect(await codeOf(read(url)), url).to.equal("fetch/url");
    }
    expect(await codeOf(read("data:application/json,{"))).to.equal("fetch/json");
    expect(await codeOf(read(`data:application/json,"${"x".repeat(MAX_DOCUMENT_BYTES)}"`))).to.equal("fetch/tooLarge");
    expect(await codeOf(read(`data:application/json,"${"x".repeat(3 * MAX_DOCUMENT_BYTES + 300)}"`))).to.equal("fetch/tooLarge");
  });

  it("request: posts, takes any status as an answer, and follows no redirect", async () => {
    onRequest = (request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => response.writeHead(418, { "content-type": "application/json" }).end(Buffer.concat(parts)));
    };
    const posted = await safeRequest(`${base}/`, { policy, method: "POST", body: "ünï", headers: { "content-type": "application/json" } });
    expect([posted.status, posted.contentType, new TextDecoder().decode(posted.body)]).to.deep.equal([418, "application/json", "ünï"]);
    redirectTo("/elsewhere", 307);
    expect((await safeRequest(`${base}/`, { policy, method: "POST", body: "x" })).status).to.equal(307);
  });
});
