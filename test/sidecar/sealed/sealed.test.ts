import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { chooseSealKey, createSealSecret, isSealKeyOf, publicPartOf, SEALED_TYPE, sealedFetch } from "../../../sdk/index.ts";
import type { FetchLike, SealSecret } from "../../../sdk/index.ts";
import { createSealedHandler } from "../../../sidecar/sealed/createSealedHandler.ts";
import type { SealedHandler } from "../../../sidecar/sealed/createSealedHandler.ts";
import { SealKeyring } from "../../../sidecar/sealed/SealKeyring.ts";
import { AGENT_WALLET } from "../../builders/describedAgent.ts";

const SELLER = AGENT_WALLET.address;
const fetchLike: FetchLike = (url, init) => fetch(url, init);

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("sealed requests at the sidecar", () => {
  let secret: SealSecret;
  let upstream: Server;
  let front: Server;
  let url: string;
  let handler: SealedHandler;
  let raw: { type: string | null; body: Uint8Array } | undefined;
  const seen: { url: string | undefined; headers: IncomingMessage["headers"]; body: string }[] = [];

  before(async () => {
    secret = await createSealSecret(0, 2 ** 31);
    upstream = createServer((req, res) => {
      void bodyOf(req).then((body) => {
        seen.push({ url: req.url, headers: req.headers, body });
        if (req.url === "/fail") return res.writeHead(500, { "content-type": "text/plain" }).end("secret trouble");
        if (req.url === "/big") return res.end(Buffer.alloc(20_000));
        if (req.url === "/events") return res.writeHead(200, { "content-type": "text/event-stream" }).write("data: x\n\n");
        if (req.url === "/hang") return undefined;
        if (req.url === "/die") return req.socket.destroy();
        if (req.url === "/none") return res.writeHead(204).end();
        return res.writeHead(201, { "content-type": "application/json", "x-trace": "7", etag: '"plain"' }).end(JSON.stringify({ said: body }));
      });
    });
    const upstreamUrl = await listen(upstream);
    handler = createSealedHandler({ seller: SELLER, secrets: () => [secret], upstream: upstreamUrl, maxBodyBytes: 10_000, maxAnswerBytes: 10_000, timeoutMs: 300 });
    front = createServer((req, res) => {
      if (handler.handles(req)) handler.serve(req, res);
      else res.writeHead(418).end();
    });
    url = await listen(front);
  });
  after(() => Promise.all([close(front), close(upstream)]));

  const keep: FetchLike = async (target, init) => {
    const response = await fetch(target, init);
    const body = new Uint8Array(await response.arrayBuffer());
    raw = { type: response.headers.get("content-type"), body };
    return new Response([204, 304].includes(response.status) ? null : body, { status: response.status, headers: response.headers });
  };
  const ask = (path: string, body = "hello", through: FetchLike = keep): Promise<Response> =>
    sealedFetch(through, { address: SELLER, encryptionKey: publicPartOf(secret) }, `${url}${path}`, { method: "POST", contentType: "text/plain", body, headers: { "x-asked": "1" } });

  it("request: reaches the service opened, and its answer comes back sealed with status and headers", async () => {
    const response = await ask("/say?to=de", "a secret");
    expect([response.status, response.headers.get("content-type"), response.headers.get("x-trace"), response.headers.get("etag"), await response.json()]).to.deep.equal([201, "application/json", "7", null, { said: "a secret" }]);
    expect(raw?.type).to.equal(SEALED_TYPE);
    expect(Buffer.from(raw!.body).includes("secret")).to.equal(false);
    const last = seen.at(-1)!;
    expect([last.url, last.body, last.headers["content-type"], last.headers["content-length"], last.headers["x-asked"]]).to.deep.equal(["/say?to=de", "a secret", "text/plain", "8", "1"]);
  });

  it("answer: of any status is sealed, also what the sidecar says of a service that fails", async () => {
    for (const [path, status] of [["/fail", 500], ["/big", 502], ["/events", 502], ["/hang", 504], ["/die", 502]] as const) {
      const response = await ask(path);
      expect([path, response.status, raw?.type]).to.deep.equal([path, status, SEALED_TYPE]);
      expect(Buffer.from(raw!.body).toString("latin1")).to.not.match(/secret|trouble|error/);
    }
    expect([(await ask("/none")).status, raw?.body.length]).to.deep.equal([204, 0]);
  });

  it("body: that does not open is refused, and the service never hears of it", async () => {
    const before = seen.length;
    const post = async (body: Uint8Array | string, path = "/say"): Promise<number> => (await fetch(`${url}${path}`, { method: "POST", headers: { "content-type": SEALED_TYPE }, body: body as string })).status;
    let taken: Uint8Array | undefined;
    await ask("/say", "x", (target, init) => {
      taken = init.body as Uint8Array;
      return fetchLike(target, init);
    });
    expect(await post(taken!)).to.equal(201);
    expect(await post(taken!, "/other")).to.equal(400);
    expect(await post(taken!.subarray(0, -1))).to.equal(400);
    expect(await post("")).to.equal(400);
    expect(await post(Buffer.alloc(20_000))).to.equal(413);
    const other = await createSealSecret(0, 2 ** 31);
    const response = await sealedFetch(keep, { address: SELLER, encryptionKey: publicPartOf(other) }, `${url}/say`, { method: "POST", body: "x" });
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).to.deep.equal([400, "sealed/closed"]);
    expect(seen.length).to.equal(before + 2);
    expect((await fetch(`${url}/say`, { method: "POST", headers: { "content-type": "text/plain" }, body: "x" })).status).to.equal(418);
  });

  it("body: that was sealed for one payer is not worked on for another's payment", async () => {
    const [payer, thief] = [`0x${"aa".repeat(20)}`, `0x${"bb".repeat(20)}`];
    const before = seen.length;
    let taken: Uint8Array | undefined;
    const paidBy = (by: string): FetchLike => (target, init) => {
      taken = init.body as Uint8Array;
      return fetchLike(target, { ...init, headers: { ...init.headers, "agnt2-payer": by } });
    };
    const partner = { address: SELLER, encryptionKey: publicPartOf(secret) };
    expect((await sealedFetch(paidBy(payer), partner, `${url}/say`, { method: "POST", body: "x", payer })).status).to.equal(201);
    const replayed = await fetch(`${url}/say`, { method: "POST", headers: { "content-type": SEALED_TYPE, "agnt2-payer": thief }, body: taken as Uint8Array<ArrayBuffer> });
    expect([replayed.status, ((await replayed.json()) as { error: { code: string } }).error.code]).to.deep.equal([400, "sealed/closed"]);
    expect(seen.length).to.equal(before + 1);
    // Who does not say who pays can be paid for by anybody.
    expect((await sealedFetch(paidBy(thief), partner, `${url}/say`, { method: "POST", body: "x" })).status).to.equal(201);
  });
});

describe("seal keys of an agent", () => {
  let folder: string;
  let now = 1_000_000;
  const owner = { address: AGENT_WALLET.address, chainId: 31337 };
  const open = (change: { password?: string; address?: string; signer?: Wallet } = {}): Promise<SealKeyring> =>
    SealKeyring.open({ file: join(folder, "seal.json"), password: "long enough", ...owner, signer: AGENT_WALLET, lifeSeconds: 1_000, overlapSeconds: 200, graceSeconds: 100, nowSeconds: () => now, ...change });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "seal-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("keys: are made once, signed, kept for the next start, and never in the open", async () => {
    const first = await open();
    const second = await open();
    expect(second.published).to.deep.equal(first.published);
    expect([first.published.length, isSealKeyOf(owner, first.published[0]!), first.published[0]]).to.deep.include.members([1, true]);
    expect(first.published[0]).to.not.have.property("privateKey");
    const file = await readFile(join(folder, "seal.json"), "utf8");
    expect([file.includes(first.secrets[0]!.privateKey), (await stat(join(folder, "seal.json"))).mode & 0o077]).to.deep.equal([false, 0]);
    let code = "";
    await open({ password: "another one" }).catch((error: unknown) => (code = (error as { code: string }).code));
    expect(code).to.equal("identity/key");
  });

  it("rotation: the next key comes before the end of the last, which opens a while longer and is then forgotten", async () => {
    const keyring = await open();
    const [old] = keyring.published;
    const choose = (): string | undefined => chooseSealKey(keyring.published, now)?.keyId;
    now += 799;
    expect([await keyring.renew(), keyring.published.length]).to.deep.equal([false, 1]);
    now += 1;
    expect([await keyring.renew(), keyring.published.length, choose() === old!.keyId]).to.deep.equal([true, 2, false]);
    expect(keyring.secrets.map(({ keyId }) => keyId)).to.include(old!.keyId);
    now += 200;
    expect([keyring.published.length, keyring.secrets.length]).to.deep.equal([1, 2]);
    now += 100;
    expect([keyring.secrets.length, await keyring.renew(), await keyring.renew(), choose() === undefined]).to.deep.equal([1, false, false, false]);
    expect((await open()).published).to.deep.equal(keyring.published);
  });

  it("keys: of another address are not taken over", async () => {
    const other = Wallet.createRandom() as unknown as Wallet;
    const before = (await open()).published;
    const keyring = await open({ address: other.address, signer: other });
    expect([keyring.published.length, keyring.published[0]!.keyId === before[0]!.keyId]).to.deep.equal([1, false]);
  });
});
