import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { Wallet } from "ethers";

import { registrationDataUri } from "../../chain/agents/writeRegistrationFile.ts";
import { LOCAL_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import { advertisedTexts, buildAgentCard, CARD_PATH, createSealSecret, DOMAIN_PROOF_PATH, domainProofOf, openRequest, publicPartOf, REGISTRATION_PATH, registrationOf, sealAnswer, SEALED_TYPE, signAgentCard, signSealKey } from "../../sdk/index.ts";
import type { AgentCard, AgentDescription, AgentDescriptionInput, SealSecret } from "../../sdk/index.ts";
import { callAgent, discoverAgent } from "../../sdk/node/index.ts";
import type { DirectoryEntry, DiscoveryOptions, RemoteAgent } from "../../sdk/node/index.ts";
import { AGENT_WALLET, describedAgent } from "../builders/describedAgent.ts";

const OWNER = { address: AGENT_WALLET.address.toLowerCase(), chainId: 31337 };
const REGISTRY = `eip155:31337:0x${"00".repeat(19)}aa`;
const CHAIN = `eip155:31337:0x${"00".repeat(19)}bb`;
const NOW = 1_500;
const STRANGER = `0x${"0e".repeat(20)}`;

type Page = { readonly status?: number; readonly headers?: Record<string, string>; readonly body: string | Buffer };

describe("discovery of agents", () => {
  let server: Server;
  let origin: string;
  let secret: SealSecret;
  let description: AgentDescription;
  let card: AgentCard;
  const pages = new Map<string, Page>();
  const asked: string[] = [];
  let registered: { agentId: bigint; owner: string; wallet: string; uri: string };
  let entry: DirectoryEntry | undefined;
  let options: DiscoveryOptions;

  async function describeAs(change: Partial<AgentDescriptionInput> = {}): Promise<void> {
    description = describedAgent({ baseUrl: origin, isSealed: true, ...change });
    const key = await signSealKey(AGENT_WALLET, OWNER, publicPartOf(secret));
    card = await signAgentCard(AGENT_WALLET, OWNER, buildAgentCard(description, [key]));
    pages.clear();
    asked.length = 0;
    show(CARD_PATH, card);
    pages.set(REGISTRATION_PATH, { body: registrationOf(description) });
    pages.set(DOMAIN_PROOF_PATH, { body: domainProofOf(description) });
    registered = { agentId: 7n, owner: OWNER.address, wallet: OWNER.address, uri: registrationDataUri(registrationOf(description)) };
    const { capabilitiesHash, pricesHash } = advertisedTexts(description);
    entry = { owner: OWNER.address, linkedAgentId: 7n, capabilitiesHash, pricesHash };
    options = {
      policy: LOCAL_POLICY,
      timeoutMs: 5_000,
      nowSeconds: NOW,
      registry: { id: REGISTRY, show: () => Promise.resolve(registered) },
      directory: { chain: CHAIN, entry: () => Promise.resolve(entry) },
    };
  }

  function show(path: string, value: unknown): void {
    pages.set(path, { body: JSON.stringify(value) });
  }

  async function showSigned(change: (card: Record<string, unknown>) => void, by: Wallet = AGENT_WALLET): Promise<void> {
    const changed = structuredClone({ ...card, signatures: [] });
    change(changed as unknown as Record<string, unknown>);
    show(CARD_PATH, await signAgentCard(by, OWNER, changed));
  }

  async function problem(agent: bigint | string = 7n, more: Partial<DiscoveryOptions> = {}): Promise<string> {
    try {
      await discoverAgent(agent, { ...options, ...more });
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return `${code} ${message}`;
    }
    return "found";
  }

  before(async () => {
    secret = await createSealSecret(1_000, 2_000);
    server = createServer((req, res) => {
      asked.push(req.url ?? "");
      const page = pages.get(req.url ?? "");
      if (page === undefined) return void res.writeHead(404).end();
      res.writeHead(page.status ?? 200, { "content-type": "application/json", ...page.headers }).end(page.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => describeAs());
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it("id: leads to the agent, with everything that the chains say of it proven", async () => {
    const agent = await discoverAgent(7n, options);
    expect(agent).to.deep.include({ address: OWNER.address, agentId: 7n, baseUrl: origin, name: "Ada", proven: { registry: true, directory: true } });
    expect(agent.encryptionKey?.keyId).to.equal(secret.keyId);
    expect(agent.skills.map(({ id, prices }) => [id, prices.map(({ scheme, amount }) => `${scheme} ${amount}`)])).to.deep.equal([["translate", ["exact 10000", "agnt2-call 400000000000000"]], ["count", ["agnt2-call 100000000000000"]]]);
    expect(agent.ways.map(({ scheme, payTo }) => [scheme, payTo.toLowerCase()])).to.deep.equal([["exact", OWNER.address], ["agnt2-call", OWNER.address]]);
    expect(asked).to.deep.equal([CARD_PATH, DOMAIN_PROOF_PATH]);
  });

  it("URL: leads to the same, and without a registry to what the agent has signed", async () => {
    expect((await discoverAgent(`${origin}/anything`, options)).proven).to.deep.equal({ registry: true, directory: true });
    const alone = await discoverAgent(origin, { ...options, registry: undefined, directory: undefined });
    expect([alone.agentId, alone.address, alone.proven]).to.deep.equal([undefined, OWNER.address, { registry: false, directory: false }]);
    expect((await discoverAgent(origin, { ...options, registry: undefined })).proven).to.deep.equal({ registry: false, directory: true });
    for (const url of ["javascript:alert(1)", "file:///etc/passwd", "ada", ""]) expect(await problem(url)).to.match(/^SDK_INPUT/);
    expect(await problem(7n, { registry: undefined })).to.match(/^SDK_INPUT/);
  });

  it("registry: another agent's file, owner, card or domain is refused", async () => {
    const uriOf = (change: Partial<AgentDescriptionInput>): string => registrationDataUri(registrationOf(describedAgent({ baseUrl: origin, isSealed: true, ...change })));
    registered = { ...registered, uri: uriOf({ registration: { identityRegistry: `0x${"00".repeat(19)}aa`, agentId: 8n } }) };
    expect(await problem()).to.match(/SDK_REMOTE_AGENT.*does not name agent 7/);
    registered = { ...registered, uri: "" };
    expect(await problem()).to.match(/no registration file/);
    registered = { ...registered, uri: "data:application/json,{}" };
    expect(await problem()).to.match(/^SDK_REMOTE_AGENT/);
    await describeAs();
    registered = { ...registered, owner: STRANGER, wallet: STRANGER };
    expect(await problem()).to.match(/the registry says/);
    await describeAs({ registration: { identityRegistry: `0x${"00".repeat(19)}aa`, agentId: 8n } });
    registered = { ...registered, uri: uriOf({}) };
    expect(await problem()).to.match(/does not name agent 7/);
    await describeAs();
    show(DOMAIN_PROOF_PATH, { registrations: [{ agentId: 8, agentRegistry: REGISTRY }, null, 5] });
    expect(await problem()).to.match(/does not answer for/);
    for (const bad of [null, [], { registrations: "x" }]) {
      show(DOMAIN_PROOF_PATH, bad);
      expect(await problem()).to.match(/does not answer for/);
    }
    await describeAs();
    registered = { ...registered, uri: uriOf({ baseUrl: "https://elsewhere.example" }) };
    expect(await problem(origin)).to.match(/has its card elsewhere/);
  });

  it("card: signed by another, by nobody or changed after is refused, unless the chain has its hash", async () => {
    show(CARD_PATH, { ...card, signatures: [] });
    expect((await discoverAgent(7n, options)).proven.directory).to.equal(true);
    for (const more of [{ directory: undefined }, { registry: undefined, directory: undefined }]) expect(await problem(origin, more)).to.match(/not signed by/);
    entry = { ...entry!, capabilitiesHash: undefined };
    expect(await problem()).to.match(/not signed by/);
    await showSigned(() => undefined, Wallet.createRandom() as unknown as Wallet);
    expect(await problem()).to.match(/not signed by/);
    show(CARD_PATH, { ...card, description: "Sends everything elsewhere" });
    expect(await problem()).to.match(/not signed by/);
  });

  it("card: with another's address to pay, another host to ask or another chain is refused though it is signed", async () => {
    type Params = { params: { ways: Record<string, unknown>[]; skills: Record<string, unknown>[]; account?: number } };
    const extension = (changed: Record<string, unknown>, place: number): Params["params"] => ((changed["capabilities"] as { extensions: Params[] }).extensions[place]!).params;
    const cases: [RegExp, (changed: Record<string, unknown>) => void][] = [
      [/to be paid, which is not the agent/, (changed) => (extension(changed, 1).ways[0]!["payTo"] = STRANGER)],
      [/to be paid on/, (changed) => (extension(changed, 1).ways[0]!["network"] = "eip155:1")],
      [/leads away/, (changed) => (extension(changed, 1).skills[0]!["endpoint"] = "http://169.254.169.254/a2a")],
      [/leads away/, (changed) => (extension(changed, 1).skills[0]!["endpoint"] = "javascript:alert(1)")],
      [/leads away/, (changed) => ((changed["supportedInterfaces"] as { url: string }[])[0]!.url = "https://evil.example/a2a")],
      [/not as it should be/, (changed) => (extension(changed, 1).skills[0]!["path"] = "//evil.example")],
      [/not as it should be/, (changed) => (changed["name"] = "x".repeat(200))],
      [/not as it should be/, (changed) => (changed["skills"] = "many")],
      [/twice/, (changed) => (changed["capabilities"] as { extensions: unknown[] }).extensions.push((changed["capabilities"] as { extensions: unknown[] }).extensions[1])],
      [/who the agent is/, (changed) => (changed["capabilities"] as { extensions: unknown[] }).extensions.shift()],
    ];
    for (const [expected, change] of cases) {
      await showSigned(change);
      expect(await problem()).to.match(expected);
    }
  });

  it("directory: another card, price or file than was advertised, and another's account, are refused", async () => {
    await showSigned((changed) => (changed["description"] = "Changed by the operator, not advertised yet"));
    expect(await problem()).to.match(/not the one that its account has advertised/);
    await describeAs();
    entry = { ...entry!, capabilitiesHash: `0x${"12".repeat(32)}` };
    expect(await problem()).to.match(/not what its account has advertised/);
    await describeAs();
    entry = { ...entry!, pricesHash: `0x${"12".repeat(32)}` };
    expect(await problem()).to.match(/not what its account has advertised/);
    await describeAs();
    entry = { ...entry!, owner: STRANGER };
    expect(await problem()).to.match(/is not that of/);
    entry = undefined;
    expect(await problem()).to.match(/is not that of/);
    await describeAs();
    entry = { ...entry!, linkedAgentId: 8n };
    expect(await problem()).to.match(/belongs to agent 8/);
    await describeAs();
    entry = { ...entry!, capabilitiesHash: undefined };
    expect((await discoverAgent(7n, options)).proven.directory).to.equal(false);
  });

  it("keys: taken away, not signed or ended mean that nothing is sent, not that it is sent open", async () => {
    await showSigned((changed) => (changed["capabilities"] as { extensions: unknown[] }).extensions.pop());
    expect(await problem()).to.match(/not the one that its account has advertised/);
    const withKeys = (keys: unknown): void => {
      const changed = structuredClone(card);
      changed.capabilities.extensions[2]!.params["keys"] = keys;
      show(CARD_PATH, changed);
    };
    const foreign = await signSealKey(Wallet.createRandom(), OWNER, publicPartOf(secret));
    for (const keys of [[], [foreign], "x", [null]]) {
      withKeys(keys);
      expect(await problem()).to.match(/no key for them/);
    }
    show(CARD_PATH, card);
    expect(await problem(7n, { nowSeconds: 2_000 })).to.match(/no key for them/);
    const next = await createSealSecret(1_400, 3_000);
    withKeys([await signSealKey(AGENT_WALLET, OWNER, publicPartOf(secret)), await signSealKey(AGENT_WALLET, OWNER, publicPartOf(next))]);
    expect((await discoverAgent(7n, options)).encryptionKey?.keyId).to.equal(next.keyId);
  });

  it("host: that is private, redirects, is slow, huge, deep or says no JSON is refused", async () => {
    expect(await problem(origin, { policy: undefined })).to.match(/^fetch\//);
    expect(await problem("https://127.0.0.1", { policy: undefined })).to.match(/^fetch\/address/);
    expect(await problem("https://localhost", { policy: undefined })).to.match(/^fetch\/address/);
    const bad: [RegExp, Page][] = [
      [/^fetch\/redirects/, { status: 302, headers: { location: "http://169.254.169.254/" }, body: "" }],
      [/status 500/, { status: 500, body: "{}" }],
      [/^fetch\/tooLarge/, { body: `{"name":"${"x".repeat(200_000)}"}` }],
      [/^fetch\/json/, { body: "[".repeat(1_000) + "]".repeat(1_000) }],
      [/^fetch\/json/, { body: Buffer.from([0xff, 0xfe, 0x00]) }],
      [/^SDK_REMOTE_AGENT/, { body: "null" }],
      [/^SDK_REMOTE_AGENT/, { body: '{"__proto__":{"name":"x"}}' }],
    ];
    for (const [expected, page] of bad) {
      pages.set(CARD_PATH, page);
      expect(await problem()).to.match(expected);
    }
    await describeAs();
    pages.set(DOMAIN_PROOF_PATH, { status: 301, headers: { location: `${origin}${CARD_PATH}` }, body: "" });
    expect(await problem()).to.match(/^fetch\/redirects/);
  });

  it("texts: lose what is no text before anybody sees them", async () => {
    entry = { ...entry!, capabilitiesHash: undefined };
    await showSigned((changed) => (changed["name"] = "A\u202eda\u0007"));
    expect((await discoverAgent(7n, options)).name).to.equal("Ada");
  });

  describe("one call", () => {
    const pay = (answer: (url: string, init: { method: string; headers: Record<string, string>; body?: string | Uint8Array }) => Response | Promise<Response>) => ({ fetch: (url: string, init: Parameters<typeof answer>[1]) => Promise.resolve(answer(url, init)) });

    it("call: finds, seals, pays by the buyer and opens the answer", async () => {
      let sent: { url: string; method: string; type: string | undefined; body: string } | undefined;
      const buyer = pay(async (url, { method, headers, body }) => {
        const { content, answerKey } = await openRequest([secret], { method, target: new URL(url).pathname, seller: OWNER.address }, body as Uint8Array);
        sent = { url, method, type: headers["content-type"], body: Buffer.from(content.body).toString() };
        return new Response(new Uint8Array(await sealAnswer(answerKey, 200, { contentType: "application/json", body: Buffer.from('{"text":"hallo"}') })), { status: 200, headers: { "content-type": SEALED_TYPE, "x-kept": "1" } });
      });
      const { response, agent, isSealed } = await callAgent(7n, { skill: "translate", body: { text: "hello" } }, { ...options, buyer });
      expect([isSealed, agent.agentId, response.status, response.headers.get("x-kept"), await response.json()]).to.deep.equal([true, 7n, 200, "1", { text: "hallo" }]);
      expect(sent).to.deep.equal({ url: `${origin}/translate`, method: "POST", type: SEALED_TYPE, body: '{"text":"hello"}' });
    });

    it("answer: that is not sealed is taken for a refusal only", async () => {
      const agent = await discoverAgent(7n, options);
      const call = (status: number) => callAgent(agent, { skill: "translate", body: "x" }, { ...options, buyer: pay(() => new Response("open", { status })) });
      expect((await call(402)).response.status).to.equal(402);
      let code = "";
      await call(200).catch((error: unknown) => (code = (error as { code: string }).code));
      expect(code).to.equal("SDK_SEALED");
    });

    it("call: goes open where that is asked for, or where the answer is a stream", async () => {
      const agent: RemoteAgent = await discoverAgent(7n, options);
      const seen: (string | undefined)[] = [];
      const buyer = pay((_url, { headers }) => {
        seen.push(headers["content-type"]);
        return new Response("ok");
      });
      await callAgent(agent, { skill: "translate", body: "x", seal: false }, { ...options, buyer });
      await callAgent(agent, { skill: "count", body: new Uint8Array(1) }, { ...options, buyer });
      await callAgent(agent, { skill: "count", query: { a: "1" } }, { ...options, buyer });
      expect(seen).to.deep.equal(["text/plain; charset=utf-8", "application/octet-stream", undefined]);
      for (const request of [{ body: "x" }, { skill: "none", body: "x" }, { skill: "count", seal: true }]) {
        let code = "";
        await callAgent(agent, request, { ...options, buyer }).catch((error: unknown) => (code = (error as { code: string }).code));
        expect(code).to.equal("SDK_INPUT");
      }
    });
  });
});
