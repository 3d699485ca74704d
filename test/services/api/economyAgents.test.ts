import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect } from "chai";
import { concat, id, toUtf8Bytes, Wallet, ZeroHash } from "ethers";

import { advertisementOf } from "../../../chain/agents/agnt2Service.ts";
import { registrationDataUri, writeRegistrationFile } from "../../../chain/agents/writeRegistrationFile.ts";
import { REGISTRATION_TYPE } from "../../../chain/agents/registrationFile.ts";
import { mined } from "../../builders/mined.ts";
import { startEconomyStage } from "../../builders/economyStage.ts";
import type { ApiClient, EconomyStage, Json } from "../../builders/economyStage.ts";
import { DEVELOPMENT_KEYS } from "../../builders/localChain.ts";
import { scriptFor } from "../../builders/rollupScript.ts";

const [, ALICE] = DEVELOPMENT_KEYS;
const CAPABILITIES = [{ id: 3, name: "translate" }, { id: 40, name: "Summarise" }];
const PRICES = [{ capability: 3, units: 1_000 }];

describe("API: agents", function () {
  this.timeout(90_000);
  let stage: EconomyStage;
  let api: ApiClient;
  let server: Server;
  let base: string;
  const answers = new Map<string, { status?: number; body: string; headers?: Record<string, string> }>();

  const idsOf = async (query: string): Promise<unknown[]> => (await api.items(`/v1/economy/agents${query}`)).map((item) => item["agentId"]);
  const agent = async (agentId: number): Promise<Json> => (await api.get(`/v1/economy/agents/${agentId}`)).body;
  const card = async (agentId: number): Promise<Json> => (await agent(agentId))["card"] as Json;
  async function register(uri: string, wallet?: Wallet): Promise<number> {
    const registry = wallet === undefined ? stage.identity : stage.identity.connect(wallet);
    const receipt = await mined(registry["register(string)"](uri));
    const log = receipt?.logs.map((each) => registry.interface.parseLog(each)).find((parsed) => parsed?.name === "Registered");
    return Number(log?.args["agentId"]);
  }
  const file = (agentId: number, change: Json = {}, service: Json = {}): string =>
    registrationDataUri(
      writeRegistrationFile({
        name: `Agent ${agentId}`,
        description: "works for others",
        registrations: [{ agentId: BigInt(agentId), agentRegistry: stage.registry }],
        agnt2: [{ endpoint: "https://api.example", sequencer: undefined, chain: stage.chainRef, account: 1, capabilities: CAPABILITIES, prices: PRICES, ...service }],
        ...change,
      }),
    );

  before(async () => {
    stage = await startEconomyStage();
    server = createServer((request, response) => {
      const answer = answers.get(request.url ?? "") ?? { status: 404, body: "" };
      response.writeHead(answer.status ?? 200, answer.headers ?? {}).end(answer.body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const script = scriptFor(stage.chain, stage.rollup);
    await script.deposit(ALICE, 5_000);
    const advertised = advertisementOf({ capabilities: CAPABILITIES, prices: PRICES });
    await script.submit(script.bundle(ALICE, 1, 0, { op: "ADVERTISE", fields: { ...advertised } }));
    api = await stage.startApi("--cards-local", "--card-retry-ms=300", "--card-refresh-ms=500");
  });
  after(async () => {
    server.close();
    await stage.stop();
  });

  it("agent 0: is shown with its file, its account, and what is proven apart from what is said", async () => {
    expect(await register(file(0))).to.equal(0);
    await mined(stage.identity.setMetadata(0, "colour", "0xc0ffee"));
    await api.settled();
    const body = await agent(0);
    expect(body).to.deep.include({ agentId: "0", owner: stage.rollup.wallet.address.toLowerCase(), wallet: stage.rollup.wallet.address.toLowerCase() });
    expect(body["card"]).to.deep.include({ status: "ok", code: null, name: "Agent 0", active: true, namesAgent: true });
    expect(body["layerCore"]).to.deep.include({ account: 1, linked: false, advertised: true, owner: new Wallet(ALICE).address.toLowerCase() });
    const [first, second] = (body["layerCore"] as Json)["capabilities"] as Json[];
    expect([first?.["name"], (first?.["price"] as Json)["units"], second?.["price"]]).to.deep.equal(["translate", 1_000, null]);
    expect(body["proven"]).to.deep.equal({ calls: 0, clients: 0, score: null, weight: 0 });
    expect(body["rawFeedback"]).to.deep.equal({ count: 0, revoked: 0 });
    expect(body["metadata"]).to.deep.equal([{ name: "colour", value: "0xc0ffee", length: 3 }]);
  });

  it("account: is linked once its owner, who owns the agent, has said so on L1", async () => {
    const { rollup } = stage;
    const script = scriptFor(stage.chain, rollup);
    await script.deposit(DEVELOPMENT_KEYS[0], 100);
    await mined(rollup.contracts.inbox.linkAgent(0));
    await script.submit();
    await mined(stage.identity.setAgentURI(0, file(0, {}, { account: 2 })));
    const { layerCore } = await api.until("/v1/economy/agents/0", ({ layerCore: found }) => (found as Json | null)?.["linked"] === true);
    expect(layerCore).to.deep.include({ account: 2, owner: rollup.wallet.address.toLowerCase(), advertised: false });
    await mined(stage.identity.setAgentURI(0, file(0)));
  });

  it("search: finds by capability, price, text, owner and activity", async () => {
    const owner = await stage.wallet(1);
    await register(file(1, { name: "Grace", description: "Compiles & compiles; 100% sure" }, { capabilities: [{ id: 3, name: "translate" }], prices: [{ capability: 3, units: 2_000 }] }), owner);
    await register(file(2, { active: false }, { capabilities: [{ id: 9, name: "prove" }], prices: [{ capability: 9, units: 5 }] }));
    await register(file(3, {}, { chain: "eip155:1:0x0000000000000000000000000000000000000001" }));
    await api.settled();
    expect(await idsOf("?capability=3")).to.deep.equal(["0", "1"]);
    expect(await idsOf("?capability=translate&maxPrice=1500")).to.deep.equal(["0"]);
    expect(await idsOf("?capability=TRANSLATE")).to.deep.equal(["0", "1"]);
    expect(await idsOf("?capability=summarise&maxPrice=1")).to.deep.equal([]);
    expect(await idsOf(`?capability=${"9".repeat(60)}&maxPrice=9007199254740991&minProvenCalls=9007199254740991`)).to.deep.equal([]);
    expect(await idsOf(`?cursor=${"9".repeat(78)}-${"9".repeat(78)}&order=proven`)).to.be.an("array");
    expect((await api.get(`/v1/economy/agents/${"9".repeat(78)}`)).status).to.equal(404);
    expect(await idsOf("?maxPrice=10")).to.deep.equal(["2"]);
    expect(await idsOf("?text=compiles")).to.deep.equal(["1"]);
    expect(await idsOf(`?text=${encodeURIComponent("'; DROP TABLE agents; -- & | ! ( \\ \" %")}`)).to.deep.equal([]);
    expect(await idsOf(`?owner=${owner.address}`)).to.deep.equal(["1"]);
    expect(await idsOf("?active=false")).to.deep.equal(["2"]);
    expect((await agent(3))["layerCore"]).to.equal(null);
    const page = (await api.get("/v1/economy/agents?limit=3")).body;
    expect([(page["items"] as Json[]).length, await idsOf(`?limit=3&cursor=${String(page["next"])}`)]).to.deep.equal([3, ["3"]]);
    for (const query of ["limit=201", "cursor=x", "cursor=1", "capability=", "minScore=101", "maxPrice=-1", "surprise=1", "text=%00", "capability=%00", `text=${"x".repeat(201)}`]) {
      expect((await api.get(`/v1/economy/agents?${query}`)).status, query).to.equal(400);
    }
  });

  it("proven reputation: counts for the present owner, ranks, and is kept apart from feedback that nothing backs", async () => {
    const owner = stage.rollup.wallet.address;
    const clients = [await stage.wallet(2), await stage.wallet(3)] as const;
    for (const [client, calls] of [[clients[0], 3], [clients[1], 1]] as const) {
      await mined(stage.reputation.connect(client).giveFeedback(0, 90, 0, "good", "", "", "", ZeroHash));
      for (let call = 0; call < calls; call += 1) await stage.say("CallProven(uint256,address,address,uint64,uint64,uint32)", [0, owner, client.address], ["uint64", "uint64", "uint32"], [call, 5, 3]);
    }
    const attach = (client: string, index: number, score: number, weight: number): Promise<void> =>
      stage.say("FeedbackAttached(uint256,address,address,uint64,uint8,uint64)", [0, owner, client], ["uint64", "uint8", "uint64"], [index, score, weight]);
    await attach(clients[0].address, 1, 90, 3);
    await attach(clients[1].address, 1, 10, 1);
    await mined(stage.reputation.connect(await stage.wallet(4)).giveFeedback(1, 10n ** 38n, 0, "sybil", "", "", "", ZeroHash));
    await mined(stage.reputation.connect(clients[0]).giveFeedback(0, -5, 1, "late", "", "", "", ZeroHash));
    await mined(stage.reputation.connect(clients[0]).revokeFeedback(0, 2));
    await api.settled();
    expect((await agent(0))["proven"]).to.deep.equal({ calls: 4, clients: 2, score: 70, weight: 4 });
    expect((await agent(0))["rawFeedback"]).to.deep.equal({ count: 3, revoked: 1 });
    expect(await idsOf("?minProvenCalls=4")).to.deep.equal(["0"]);
    expect(await idsOf("?minProvenCalls=5")).to.deep.equal([]);
    expect([await idsOf("?minScore=70"), await idsOf("?minScore=71")]).to.deep.equal([["0"], []]);
    expect((await idsOf("?order=proven"))[0]).to.equal("0");
    await attach(clients[0].address, 3, 50, 3);
    await stage.say("FeedbackDetached(uint256,address,address,uint64)", [0, owner, clients[1].address], ["uint64"], [1]);
    await api.settled();
    expect((await agent(0))["proven"]).to.deep.equal({ calls: 4, clients: 2, score: 50, weight: 3 });
    expect(((await agent(1))["rawFeedback"] as Json)["count"]).to.equal(1);
    expect((await agent(1))["proven"]).to.deep.equal({ calls: 0, clients: 0, score: null, weight: 0 });
  });

  it("feedback: is listed the newest first, page by page, with what backs it", async () => {
    const client = await stage.wallet(2);
    const first = (await api.get("/v1/economy/agents/0/feedback?limit=2")).body;
    const rest = (await api.get(`/v1/economy/agents/0/feedback?limit=2&cursor=${String(first["next"])}`)).body;
    const all = [...(first["items"] as Json[]), ...(rest["items"] as Json[])];
    expect(all.map(({ tag1, value, decimals, revoked }) => [tag1, value, decimals, revoked])).to.deep.equal([["late", "-5", 1, true], ["good", "90", 0, false], ["good", "90", 0, false]]);
    expect(rest).not.to.have.property("next");
    expect((await api.items(`/v1/economy/agents/0/feedback?client=${client.address}`)).map((item) => item["provenCalls"])).to.deep.equal([3, 3]);
    expect(await api.items("/v1/economy/agents/0/feedback?backed=true")).to.deep.equal([]);
    expect((await api.get("/v1/economy/agents/77/feedback")).status).to.equal(404);
    expect((await api.get("/v1/economy/agents/0/feedback?cursor=1-99999999999")).status).to.equal(400);
  });

  it("sale: the wallet and what is proven stay behind, the raw feedback does not", async () => {
    const [seller, buyer] = [stage.rollup.wallet.address, (await stage.wallet(5)).address];
    await mined(stage.identity.transferFrom(seller, buyer, 0));
    await api.settled();
    expect(await agent(0)).to.deep.include({ owner: buyer.toLowerCase(), wallet: null, proven: { calls: 0, clients: 0, score: null, weight: 0 } });
    expect(await idsOf("?minProvenCalls=1")).to.deep.equal([]);
    await mined(stage.identity.connect(await stage.wallet(5)).transferFrom(buyer, seller, 0));
    await api.settled();
    expect(((await agent(0))["proven"] as Json)["calls"]).to.equal(4);
  });

  it("validation: is shown with its request and its newest response", async () => {
    const validator = await stage.wallet(6);
    await mined(stage.validation.validationRequest(validator.address, 0, "https://example.org/r", id("request")));
    await mined(stage.validation.connect(validator).validationResponse(id("request"), 80, "", ZeroHash, "uptime"));
    await mined(stage.validation.connect(validator).validationResponse(id("request"), 95, "", ZeroHash, "uptime"));
    await api.settled();
    const [found] = (await agent(0))["validations"] as Json[];
    expect(found).to.deep.include({ requestHash: id("request"), validator: validator.address.toLowerCase(), response: 95, tag: "uptime" });
  });

  it("strangers' text on L1: bytes that are no UTF-8, control characters and endless keys harm nobody", async () => {
    const iface = stage.identity.interface;
    const data = iface.encodeFunctionData("register(string)", ["https://example.org/xx"]);
    const broken = data.replace(Buffer.from("xx").toString("hex"), "ff00");
    await mined(stage.rollup.wallet.sendTransaction({ to: await stage.identity.getAddress(), data: broken }));
    const agentId = await register("\u202ehttps://example.org/\u0000");
    await mined(stage.identity.setMetadata(agentId, "k".repeat(5_000), "0x01"));
    await mined(stage.identity.setMetadata(agentId, "big", concat([toUtf8Bytes("x".repeat(10_000))])));
    const client = await stage.wallet(7);
    await mined(stage.reputation.connect(client).giveFeedback(agentId, 1, 18, "t".repeat(3_000), "<script>", "\u0007", "x".repeat(5_000), ZeroHash));
    await api.until("/v1/economy/status", ({ indexed, head }) => indexed === head && Number(indexed) > 0);
    await api.until(`/v1/economy/agents/${agentId}`, (body) => ((body["rawFeedback"] as Json | undefined)?.["count"] ?? 0) === 1);
    expect((await agent(agentId))["uri"]).to.equal("https://example.org/");
    expect(((await agent(agentId))["metadata"] as Json[]).map(({ name, length, value }) => [name, length, String(value).length])).to.deep.equal([["big", 10_000, 2 + 2 * 4_096]]);
    const [feedback] = await api.items(`/v1/economy/agents/${agentId}/feedback`);
    expect([String(feedback?.["tag1"]).length, feedback?.["tag2"], feedback?.["endpoint"], String(feedback?.["uri"]).length]).to.deep.equal([256, "<script>", "", 2_048]);
  });

  it("hostile files: each marks its agent and nobody else", async () => {
    const bad: readonly [path: string, answer: { status?: number; body: string; headers?: Record<string, string> }, code: string][] = [
      ["/no.json", { body: "<html>" }, "fetch/json"],
      ["/missing", { status: 404, body: "" }, "fetch/status"],
      ["/huge", { body: " ".repeat(300_000) }, "fetch/tooLarge"],
      ["/loop", { status: 302, body: "", headers: { location: "/loop" } }, "fetch/redirects"],
      ["/deep", { body: "[".repeat(10_000) }, "fetch/json"],
      ["/other", { body: JSON.stringify({ type: "x", name: "y" }) }, "REGISTRATION_FILE"],
      ["/list", { body: JSON.stringify({ type: REGISTRATION_TYPE, name: "y", services: Array(100).fill({ name: "a", endpoint: "b" }) }) }, "REGISTRATION_FILE"],
    ];
    const ids: number[] = [];
    for (const [path, answer] of bad) {
      answers.set(path, answer);
      ids.push(await register(`${base}${path}`));
    }
    answers.set("/good", { body: Buffer.from(file(99).split(",")[1] ?? "", "base64").toString() });
    const good = await register(`${base}/good`);
    const evil = await register(`data:application/json,${encodeURIComponent(JSON.stringify({ type: REGISTRATION_TYPE, name: "<img src=x onerror=alert(1)>\u0000\u202e", description: "\ud800" }))}`);
    await api.settled();
    for (const [place, [path, , code]] of bad.entries()) expect([path, (await card(ids[place]!))["status"], (await card(ids[place]!))["code"]]).to.deep.equal([path, "failed", code]);
    expect((await card(ids[0]!))["problem"]).to.equal("The document is not JSON that is taken");
    expect(await card(good)).to.deep.include({ status: "ok", namesAgent: false });
    expect(await card(evil)).to.deep.include({ status: "ok", name: "<img src=x onerror=alert(1)>", description: "" });
  });

  it("long files: are cut in lists and whole alone", async () => {
    const services = Array.from({ length: 32 }, (_, place) => ({ name: `s${place}`, endpoint: "x", version: undefined }));
    const agentId = await register(registrationDataUri(writeRegistrationFile({ name: "Long winded", description: "y".repeat(4_000), services })));
    await api.settled();
    const [brief] = await api.items("/v1/economy/agents?text=winded");
    const sizes = ({ description, services: listed }: Json): number[] => [String(description).length, (listed as Json[]).length];
    expect([sizes(brief?.["card"] as Json), sizes(await card(agentId))]).to.deep.equal([[400, 8], [4_000, 32]]);
  });

  it("switched off: there is no route and no database", async () => {
    const plain = await stage.startApi("--no-economy", `--data-dir=${stage.dir}/plain`);
    expect((await plain.get("/v1/economy/status")).body["error"]).to.deep.include({ code: "api/unknownRoute" });
    expect(JSON.stringify((await plain.get("/openapi.json")).body)).not.to.include("/v1/economy/");
    expect(existsSync(join(stage.dir, "plain", "postgres"))).to.equal(false);
    await plain.stop();
  });

  it("file of a server: is looked at again, mended after a failure, kept while its server is down", async () => {
    const [first] = (await api.items("/v1/economy/agents?limit=200")).filter((item) => (item["card"] as Json)["code"] === "fetch/status");
    const agentId = Number(first?.["agentId"]);
    const said = (name: string): string => JSON.stringify({ type: REGISTRATION_TYPE, name });
    answers.set("/missing", { body: said("Now here") });
    const path = `/v1/economy/agents/${agentId}`;
    const isNamed = (name: string) => (body: Json): boolean => (body["card"] as Json)["name"] === name;
    await api.until(path, isNamed("Now here"));
    answers.set("/missing", { body: said("Renamed") });
    await api.until(path, isNamed("Renamed"));
    answers.set("/missing", { status: 503, body: "" });
    const down = await api.until(path, (body) => (body["card"] as Json)["code"] === "fetch/status");
    expect(down["card"]).to.deep.include({ status: "ok", name: "Renamed" });
    await mined(stage.identity.setAgentURI(agentId, ""));
    await api.until(path, (body) => (body["card"] as Json)["status"] === "none" && (body["card"] as Json)["name"] === null);
  });
});
