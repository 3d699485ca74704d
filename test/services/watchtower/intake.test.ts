import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { locatorOf, openSealed, sealState } from "../../../chain/tower/sealState.ts";
import { receiptDigest, sealDigest, sealedReceiptDigest, towerDomainSeparator } from "../../../chain/tower/towerDigests.ts";
import { readReceipt, readTowerState, writePartySignature, writeTowerState } from "../../../chain/tower/towerJson.ts";
import type { TowerState } from "../../../chain/tower/TowerState.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { keccak256 } from "../../../core/hash/index.ts";
import { recoverAddress, signDigest } from "../../../runtime/crypto/secp.ts";
import { createLocalSigner } from "../../../runtime/keystore/createLocalSigner.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { Metrics } from "../../../runtime/metrics/Metrics.ts";
import { DEFAULT_INTAKE_RULES } from "../../../services/watchtower/createTower.ts";
import type { Tower } from "../../../services/watchtower/createTower.ts";
import type { ChannelMark } from "../../../services/watchtower/decide/Dispute.ts";
import { createTowerServer, MAX_BODY_BYTES } from "../../../services/watchtower/intake/createTowerServer.ts";
import type { TowerServer } from "../../../services/watchtower/intake/createTowerServer.ts";
import { Intake } from "../../../services/watchtower/intake/Intake.ts";
import type { IntakeRules } from "../../../services/watchtower/intake/Intake.ts";
import { createReceiptSigner } from "../../../services/watchtower/intake/ReceiptSigner.ts";
import { TowerStore } from "../../../services/watchtower/store/TowerStore.ts";
import { Random } from "../../differential/scenario/Random.ts";
import { testKey, TowerChannel } from "../../builders/towerChannel.ts";

const NOW = 1_700_000_000;
const DOMAIN = { chainId: 31_337, adjudicator: new Uint8Array(20).fill(0xaa), towerBond: new Uint8Array(20).fill(0xbb) };
const KEY = testKey("the tower");
const NO_LOCKS = `0x${"00".repeat(32)}`;
const OPEN: ChannelMark = { status: 1, isExtended: false, isUnilateral: false, deadline: 0, version: 0, net: [500, 500], sequence: [0, 0], paid: [0, 0], highestPaid: [0, 0], locksHash: [NO_LOCKS, NO_LOCKS] };
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly error?: { readonly code: string } };
}

describe("intake of a tower", () => {
  let dir: string;
  let store: TowerStore;
  let server: TowerServer;
  let url: string;
  let intake: Intake;
  let now: number | undefined;
  let mark: ChannelMark;
  let registered: string[];
  let count = 0;

  async function start(rules: Partial<IntakeRules> = {}, rateLimit = 0): Promise<void> {
    dir = mkdtempSync(join(tmpdir(), "agnt2-intake-"));
    store = new TowerStore(dir, { maxChannels: 4, maxSealed: 4, maxPerLocator: 2 }, (error) => expect.fail(error.message));
    intake = new Intake({
      domain: DOMAIN, store,
      signer: createReceiptSigner(createLocalSigner(KEY.key), DOMAIN),
      rules: { ...DEFAULT_INTAKE_RULES, minWindowSeconds: 100, ...rules },
      now: () => now,
      markOf: () => Promise.resolve(mark),
      isGrantRegistered: (_id, { key }) => Promise.resolve(registered.includes(toHex(key))),
      onState: () => undefined,
    });
    const tower = { intake, status: () => ({ alarms: [] }), isWell: () => true } as unknown as Tower;
    const logger = createLogger({ service: "tower", level: "silent", output: process.stderr });
    server = createTowerServer({ host: "127.0.0.1", port: 0, tower, store, info: {}, metrics: new Metrics({ service: "tower", processMetrics: false }), logger, rateLimit, maxConnections: 64 });
    url = `http://127.0.0.1:${await server.listen()}`;
  }

  beforeEach(async () => {
    [now, mark, registered] = [NOW, OPEN, []];
    await start();
  });
  afterEach(async () => {
    await server.close();
    store.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const newChannel = (config: Partial<TowerChannel["config"]> = {}): TowerChannel => new TowerChannel(DOMAIN, `intake ${(count += 1)}`, config);

  async function post(path: string, body: unknown): Promise<Answer> {
    const response = await fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  }
  const submit = (channel: TowerChannel, state: TowerState): Promise<Answer> => post("/v1/states", channel.request(state));
  const codeOf = async (answer: Promise<Answer>): Promise<string> => (await answer).body.error?.code ?? "none";

  it("receipt: for the very state, signed by the tower, until the end of the mandate or of a grant", async () => {
    const channel = newChannel();
    const expiry = NOW + 5 * 86_400;
    const state = channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90, grant: channel.grant(1, "session", 90, expiry) } });
    const { status, body } = await submit(channel, state);
    expect(status).to.equal(200);
    const receipt = readReceipt(body["receipt"]);
    expect({ ...receipt, channelId: toHex(receipt.channelId) }).to.deep.equal({ channelId: channel.idText, side: 0, version: 2, sequence: 9, paid: 90, from: NOW, until: expiry });
    expect(recoverAddress(receiptDigest(towerDomainSeparator(DOMAIN), receipt), fromHex(body["signature"] as string))).to.deep.equal(KEY.address);
    expect(writeTowerState(readTowerState(JSON.parse(store.readBody(channel.idText, 0)!)))).to.deep.equal(writeTowerState(state));
    const kept = (await (await fetch(`${url}/v1/states/${channel.idText}/0`)).json()) as Record<string, unknown>;
    expect(kept).to.include({ version: 2, sequence: 9, paid: 90, until: expiry });
  });

  it("order: a newer state and the same again are taken, an older one and a contradiction are refused", async () => {
    const channel = newChannel();
    const at = (sequence: number, paid: number): TowerState => channel.state(0, { voucher: { sequence, paid } });
    for (const [sequence, paid, code] of [[9, 90, "none"], [10, 95, "none"], [10, 95, "none"], [9, 90, "tower/old-state"], [11, 94, "tower/contradiction"]] as const) {
      expect(await codeOf(submit(channel, at(sequence, paid)))).to.equal(code);
    }
  });

  it("refusals: wrong chain, signatures, caps, grants, windows, homes, empty states", async () => {
    const channel = newChannel();
    const good = channel.state(0, { voucher: { sequence: 9, paid: 90 } });
    const request = channel.request(good);
    const voucher = (grant: ReturnType<TowerChannel["grant"]>) => channel.state(0, { voucher: { sequence: 9, paid: 90, grant } });
    const lock = { hashlock: channel.id, amount: 5, expiry: NOW };
    const base = channel.base(1, 0, 20);
    const cases: readonly (readonly [unknown, string])[] = [
      [{ ...request, chainId: 1 }, "tower/wrong-chain"],
      [{ ...request, adjudicator: toHex(DOMAIN.towerBond) }, "tower/wrong-chain"],
      [{ ...request, towerBond: toHex(DOMAIN.adjudicator) }, "tower/wrong-chain"],
      [{ ...request, by: writePartySignature(channel.sign(1, channel.id)) }, "tower/signature"],
      [{ ...request, by: writePartySignature(channel.watch({ ...good, side: 1 })) }, "tower/signature"],
      [channel.request({ ...good, voucher: { ...good.voucher!, paid: 91 } }), "tower/signature"],
      [channel.request(channel.state(0, { base: { ...base, signatures: [base.signatures[1], base.signatures[0]] } })), "tower/signature"],
      [channel.request(voucher(channel.grant(1, "session", 89, NOW + 1e7))), "tower/grant-cap"],
      [channel.request(voucher(channel.grant(1, "session", 90, NOW + 1_999))), "tower/grant-short"],
      [channel.request(voucher(channel.grant(0, "session", 90, NOW + 1e7))), "tower/signature"],
      [channel.request(voucher({ ...channel.grant(1, "session", 90, NOW + 1e7), signature: new Uint8Array(0) })), "tower/grant-unknown"],
      [channel.request(channel.state(0, {})), "tower/state"],
      [channel.request(channel.state(0, { base: channel.base(0, 0, 0) })), "tower/state"],
      [channel.request(channel.state(0, { base, voucher: { version: 2, sequence: 9, paid: 90 } })), "tower/state"],
      [channel.request(channel.state(0, { base, voucher: { sequence: 9, paid: 19 } })), "tower/state"],
      [channel.request(channel.state(0, { voucher: { sequence: 0, paid: 19 } })), "tower/state"],
      [channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90, locks: [lock] } })), "tower/state"],
    ];
    for (const [body, code] of cases) expect(await codeOf(post("/v1/states", body)), code).to.equal(code);
    const config = async (change: Partial<TowerChannel["config"]>): Promise<string> => {
      const other = newChannel(change);
      return await codeOf(submit(other, other.state(0, { voucher: { sequence: 9, paid: 90 } })));
    };
    expect(await config({ windowSeconds: 99 })).to.equal("tower/window");
    expect(await config({ windowSeconds: 30 * 86_400 })).to.equal("tower/window");
    expect(await config({ home: 1, unit: 0 })).to.equal("tower/home");
    expect(await codeOf(post("/v1/states", { ...request, state: { ...writeTowerState(good), config: { ...(writeTowerState(good)["config"] as object), flags: 2 } } }))).to.equal("tower/body");
    expect(store.watchedCount).to.equal(0);
    expect(await codeOf(submit(channel, good))).to.equal("none");
  });

  it("grants: a registered one without a signature counts, endorsed locks too", async () => {
    const channel = newChannel();
    const grant = { ...channel.grant(1, "session", 95, NOW + 1e7), signature: new Uint8Array(0) };
    registered.push(toHex(grant.key));
    const lock = { hashlock: channel.id, amount: 5, expiry: NOW };
    expect(await codeOf(submit(channel, channel.state(0, { voucher: { sequence: 9, paid: 90, grant, locks: [lock] }, endorsed: true })))).to.equal("none");
  });

  it("channel: must be open and hold something; nothing is promised while L1 is not seen", async () => {
    const channel = newChannel();
    const good = channel.state(0, { voucher: { sequence: 9, paid: 90 } });
    for (const status of [0, 2, 3]) {
      mark = { ...OPEN, status };
      expect(await codeOf(submit(channel, good))).to.equal("tower/not-open");
    }
    mark = { ...OPEN, net: [0, 0] };
    expect(await codeOf(submit(channel, good))).to.equal("tower/too-small");
    mark = OPEN;
    now = undefined;
    expect(await codeOf(submit(channel, good))).to.equal("tower/not-ready");
    now = NOW;
    expect(await codeOf(submit(channel, good))).to.equal("none");
    mark = { ...OPEN, status: 2 };
    expect(await codeOf(submit(channel, channel.state(0, { voucher: { sequence: 10, paid: 91 } }))), "a newer state for a channel that it has").to.equal("none");
  });

  it("full: refuses the next channel with a code, and goes on serving those it has", async () => {
    const channels = Array.from({ length: 5 }, () => newChannel());
    const states = channels.map((channel) => channel.state(0, { voucher: { sequence: 9, paid: 90 } }));
    for (let index = 0; index < 4; index += 1) expect((await submit(channels[index]!, states[index]!)).status).to.equal(200);
    const refused = await submit(channels[4]!, states[4]!);
    expect([refused.status, refused.body.error?.code]).to.deep.equal([503, "tower/full"]);
    expect(await codeOf(submit(channels[0]!, channels[0]!.state(0, { voucher: { sequence: 10, paid: 91 } })))).to.equal("none");
  });

  it("sealed: opens with the close that it answers and no other; the owner replaces it; the tower signs for its hash", async () => {
    const channel = newChannel();
    const state = channel.state(0, { base: channel.base(2, 10, 20) });
    const seal = async (name: string, until = NOW + 1_000): Promise<Answer> => {
      const body = await sealState(state, channel.id, 1);
      const ref = { locator: locatorOf(channel.id, 1), bodyHash: keccak256(body), until };
      const signature = signDigest(sealDigest(towerDomainSeparator(DOMAIN), ref), testKey(name).key);
      const { chainId, adjudicator, towerBond } = channel.request(state);
      return await post("/v1/sealed", { chainId, adjudicator, towerBond, locator: toHex(ref.locator), body: toHex(body), until, signature: toHex(signature) });
    };
    const { status, body } = await seal("one");
    expect(status).to.equal(200);
    const kept = { locator: locatorOf(channel.id, 1), bodyHash: fromHex(body["bodyHash"] as string), until: NOW + 1_000 };
    expect(recoverAddress(sealedReceiptDigest(towerDomainSeparator(DOMAIN), kept), fromHex(body["signature"] as string))).to.deep.equal(KEY.address);
    expect((await seal("one")).status).to.equal(200);
    expect((await seal("two")).status).to.equal(200);
    expect((await seal("three")).body.error?.code).to.equal("tower/full");
    expect((await seal("one", NOW)).body.error?.code).to.equal("tower/body");
    const [first] = store.readSealed(toHex(locatorOf(channel.id, 1)));
    expect((await openSealed(first!.body, channel.id, 1)).base?.version).to.equal(2);
    const failure = await openSealed(first!.body, channel.id, 2).then(() => "none", (error: unknown) => (error as { code: string }).code);
    expect(failure).to.equal("tower/sealed");
  });

  it("garbage: every answer has a code, nothing is kept, and the tower goes on", async () => {
    const random = new Random(SEED);
    const channel = newChannel();
    const good = JSON.stringify(channel.request(channel.state(0, { base: channel.base(1, 2, 3), voucher: { sequence: 9, paid: 90 } })));
    const bodies = ["", "null", "[]", "{}", "{", '"x"', "[".repeat(5_000), '{"__proto__":{}}', "\u0000", good.slice(0, -1), good.replace('"side":0', '"side":2'), good.replace('"paid":90', '"paid":9e99'), good.replace('"sequence":9', '"sequence":-1')];
    for (let round = 0; round < 200; round += 1) {
      const at = random.between(0, good.length - 1);
      bodies.push(good.slice(0, at) + String.fromCharCode(random.between(32, 126)) + good.slice(at + 1));
    }
    for (const body of bodies) {
      const answer = await post("/v1/states", body);
      // A change of the case of a digit, or of nothing, leaves the state as it was.
      if (answer.status === 200) continue;
      expect(answer.status, `seed ${SEED}: ${body.slice(0, 200)}`).to.be.within(400, 499);
      expect(answer.body.error?.code).to.match(/^tower\//);
    }
    expect(await codeOf(post("/v1/states", good))).to.equal("none");
  });

  it("size: a body above the limit is refused before it is read whole", async () => {
    expect(await codeOf(post("/v1/states", JSON.stringify({ filler: "x".repeat(MAX_BODY_BYTES) })))).to.equal("tower/too-large");
    const status = await new Promise<number>((resolve, reject) => {
      const sent = httpRequest(`${url}/v1/states`, { method: "POST", headers: { "content-length": String(10 ** 9) } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
        sent.destroy();
      });
      sent.on("error", reject);
      sent.write("{");
    });
    expect(status).to.equal(413);
  });

  it("flood: beyond its share an address gets a code and a time, and beyond what is looked at at once everybody is told to wait", async () => {
    await server.close();
    store.close();
    await start({ maxBusy: 1 }, 20);
    const channel = newChannel();
    const bodies = Array.from({ length: 30 }, (_, index) => channel.request(channel.state(0, { voucher: { sequence: index + 1, paid: index } })));
    const codes = await Promise.all(bodies.map((body) => codeOf(post("/v1/states", body))));
    expect(codes.filter((code) => code === "tower/too-many")).to.have.length(10);
    expect(codes.filter((code) => code === "none").length).to.be.greaterThan(0);
    expect(new Set(codes).has("tower/internal")).to.equal(false);
    const health = await fetch(`${url}/health`);
    expect(health.status).to.equal(200);
    await Promise.all([intake.submit(bodies[29]), intake.submit(bodies[29]).then(() => "none", (error: unknown) => expect((error as { code: string }).code).to.equal("tower/busy"))]);
  });

  it("routes: an unknown one and an unknown channel have codes", async () => {
    for (const [path, code] of [["/v1/nothing", "tower/unknown-route"], [`/v1/states/0x12/0`, "tower/not-found"], [`/v1/states/0x12/7`, "tower/not-found"], ["/v1/states/%zz/0", "tower/body"]] as const) {
      expect(((await (await fetch(url + path)).json()) as Answer["body"]).error?.code).to.equal(code);
    }
    expect(await (await fetch(`${url}/metrics`)).text()).to.include("agnt2_tower_states_total");
  });
});
