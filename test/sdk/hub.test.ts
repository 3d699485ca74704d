import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expect } from "chai";

import { channelDomainSeparator } from "../../core/channel/index.ts";
import { addressOfPublicKey } from "../../core/codec/signature.ts";
import { toHex } from "../../core/codec/hex.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { FileRouteJournal } from "../../sdk/node/channels/hub/FileRouteJournal.ts";
import { RouteHub } from "../../sdk/node/channels/hub/RouteHub.ts";
import type { DigestSigner } from "../../sdk/node/channels/hub/RouteLink.ts";
import { decodeRouteMessage, encodeInvoice, encodeRouteMessage } from "../../sdk/node/channels/hub/routeMessages.ts";
import type { RouteMessage } from "../../sdk/node/channels/hub/routeMessages.ts";
import { RoutePayee } from "../../sdk/node/channels/hub/RoutePayee.ts";
import { RoutePayer } from "../../sdk/node/channels/hub/RoutePayer.ts";
import { createSealKey, seal, unseal } from "../../sdk/node/channels/hub/seal.ts";
import { createModelChannel, ModelRegister } from "../builders/modelChannel.ts";
import type { ModelLink } from "../builders/modelChannel.ts";
import { until } from "../builders/loneCore.ts";

const SEPARATOR = channelDomainSeparator({ chainId: 31337, adjudicator: new Uint8Array(20).fill(7) });
const WINDOW = 3_600;
const PRICE = 1_000;
const FEE = 7;
/** What comes, comes before this, also on a busy machine. */
const PATIENT_MS = 30_000;
/** For what never comes. */
const IMPATIENT_MS = 1_000;
const SECRET_REQUEST = new TextEncoder().encode("the recipe of the secret sauce");

function signerOf(seed: number): DigestSigner {
  const secret = new Uint8Array(32).fill(seed);
  return {
    address: toHex(addressOfPublicKey(secp256k1.getPublicKey(secret, false))),
    sign(digest) {
      const bytes = secp256k1.sign(digest, secret, { prehash: false, lowS: true, format: "recovered" });
      const vs = bytes.slice(33, 65);
      if (bytes[0] === 1) vs[0]! |= 0x80;
      return new Uint8Array([...bytes.slice(1, 33), ...vs]);
    },
  };
}

const [alice, hubKey, bob] = [signerOf(1), signerOf(2), signerOf(3)];
type Tamper = (message: RouteMessage) => RouteMessage | undefined;

/** A, H and B with their two channels; `tamper` is what a bad hub does to what passes it. */
interface Scene {
  readonly register: ModelRegister;
  readonly payer: RoutePayer;
  readonly payee: RoutePayee;
  hub: RouteHub;
  readonly links: { readonly ah: ModelLink; readonly ha: ModelLink; readonly hb: ModelLink; readonly bh: ModelLink };
  readonly seenByHub: Uint8Array[];
  readonly served: Uint8Array[];
  toPayer: Tamper;
  toPayee: Tamper;
  /** What each has more than at the beginning, by what the chain would pay now. */
  gains(): Promise<{ a: number; h: number; b: number }>;
  restartHub(): Promise<void>;
  settle(): Promise<void>;
  /** Until the hub has paid the payee, off chain. */
  paidOn(): Promise<void>;
}

describe("payments through a hub", function () {
  this.timeout(60_000);
  let dir: string;
  const journals: FileRouteJournal[] = [];
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "agnt2-hub-"))));
  afterEach(async () => {
    for (const journal of journals.splice(0)) await journal.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function journalOf(name: string): Promise<FileRouteJournal> {
    const journal = await FileRouteJournal.open(join(dir, name));
    journals.push(journal);
    return journal;
  }

  async function createScene({ handle, timeoutMs = PATIENT_MS }: { handle?: (request: Uint8Array) => Promise<{ status: number; response: Uint8Array }>; timeoutMs?: number } = {}): Promise<Scene> {
    const register = new ModelRegister();
    const nowSeconds = (): number => register.now;
    const [ah, ha] = createModelChannel(alice.address, hubKey.address, WINDOW);
    const [hb, bh] = createModelChannel(hubKey.address, bob.address, WINDOW);
    const seenByHub: Uint8Array[] = [];
    const served: Uint8Array[] = [];
    const underWay = new Set<Promise<unknown>>();
    const track = (work: Promise<unknown>): void => {
      const ended: Promise<unknown> = work.catch((error: unknown) => expect(String(error)).to.match(/connection is cut/)).finally(() => underWay.delete(ended));
      underWay.add(ended);
    };
    const payer = new RoutePayer({ link: ah, address: alice.address, separator: SEPARATOR, register, nowSeconds, timeoutMs });
    const payee = new RoutePayee({
      signer: bob, separator: SEPARATOR, routeKey: createSealKey(), journal: await journalOf("payee"), register, nowSeconds,
      price: () => PRICE,
      handle: async (request) => {
        served.push(request);
        return handle === undefined ? { status: 0, response: request.slice().reverse() } : handle(request);
      },
    });
    const createHub = async (): Promise<RouteHub> => new RouteHub({ separator: SEPARATOR, journal: await journalOf("hub"), register, nowSeconds, feeUnits: FEE });
    const gains = async (): Promise<{ a: number; h: number; b: number }> => {
      const [fromA, fromH] = [await ah.finallyPaid(register), await hb.finallyPaid(register)];
      return { a: 0 - fromA, h: fromA - fromH, b: fromH };
    };
    const keep: Tamper = (message) => message;
    const scene: Scene = { register, payer, payee, hub: await createHub(), links: { ah, ha, hb, bh }, seenByHub, served, toPayer: keep, toPayee: keep, gains, restartHub, settle, paidOn };
    async function restartHub(): Promise<void> {
      scene.hub = await createHub();
      scene.hub.attach(ha);
      scene.hub.attach(hb);
    }
    /** Until nothing moves any more. */
    async function settle(): Promise<void> {
      // What one of them does may wake the next, a turn of the event loop later.
      for (let quiet = 0; quiet < 40; quiet += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        if (underWay.size === 0) continue;
        await Promise.all(underWay);
        quiet = 0;
      }
    }
    async function paidOn(): Promise<void> {
      await until("the payee is paid", () => hb.paid > 0, PATIENT_MS);
    }
    const pass = (tamper: () => Tamper, use: (bytes: Uint8Array) => void) => (bytes: Uint8Array) => {
      const message = tamper()(decodeRouteMessage(bytes)!);
      if (message !== undefined) use(encodeRouteMessage(message));
    };
    ah.hooks = { onRoute: pass(() => scene.toPayer, (bytes) => track(payer.receive(bytes))), onLock: () => undefined };
    bh.hooks = { onRoute: pass(() => scene.toPayee, (bytes) => track(payee.receive(bh, bytes))), onLock: (lock) => track(payee.onLock(bh, lock)) };
    for (const link of [ha, hb]) {
      link.hooks = {
        onRoute: (bytes) => {
          seenByHub.push(bytes);
          track(scene.hub.receive(link, bytes));
        },
        onLock: (lock) => track(scene.hub.onLock(link, lock)),
        onReleased: (hashlock) => scene.hub.onReleased(link, hashlock),
      };
      scene.hub.attach(link);
    }
    await payee.announce(bh);
    await settle();
    return scene;
  }
  const call = (scene: Scene): ReturnType<RoutePayer["call"]> => scene.payer.call(bob.address, SECRET_REQUEST, { maxPriceUnits: 2_000 });
  /** The hub acts as if messages of this kind never came. */
  function ignoreAtHub(link: ModelLink, kind: RouteMessage["kind"]): void {
    const { onRoute, onLock } = link.hooks;
    link.hooks = { onLock, onRoute: (bytes) => (decodeRouteMessage(bytes)?.kind === kind ? undefined : onRoute(bytes)) };
  }
  async function failure(promise: Promise<unknown>): Promise<{ code: string; values: Record<string, unknown> }> {
    return promise.then(() => expect.fail("it went through"), (error: unknown) => error as { code: string; values: Record<string, unknown> });
  }

  it("seal: only the key's owner opens it, any change shows, and the size tells little", () => {
    const key = createSealKey();
    const sealed = seal(key.publicKey, SECRET_REQUEST);
    expect(unseal(key, sealed)).to.deep.equal(SECRET_REQUEST);
    expect(unseal(createSealKey(), sealed)).to.equal(undefined);
    for (const place of [0, 1, 40, sealed.length - 1]) {
      const changed = sealed.slice();
      changed[place]! ^= 1;
      expect(unseal(key, changed)).to.equal(undefined);
    }
    expect(unseal(key, sealed.slice(0, 100))).to.equal(undefined);
    expect(seal(key.publicKey, new Uint8Array(1)).length).to.equal(seal(key.publicKey, new Uint8Array(200)).length);
    expect(createSealKey(key.secret)).to.deep.equal(key);
  });

  it("call: the payee is paid, the hub has its fee, and neither request nor response passes it in clear", async () => {
    const scene = await createScene();
    const { response, priceUnits, feeUnits, hashlock, preimage } = await call(scene);
    expect(response).to.deep.equal(SECRET_REQUEST.slice().reverse());
    expect({ priceUnits, feeUnits }).to.deep.equal({ priceUnits: PRICE, feeUnits: FEE });
    expect(keccak256(preimage)).to.deep.equal(hashlock);
    await scene.paidOn();
    expect(await scene.gains()).to.deep.equal({ a: -(PRICE + FEE), h: FEE, b: PRICE });
    expect(scene.links.ah.locks).to.have.length(0);
    expect(scene.links.hb.locks).to.have.length(0);
    for (const bytes of scene.seenByHub) {
      const text = Buffer.from(bytes).toString("latin1");
      for (const secret of [SECRET_REQUEST, response]) {
        for (const coding of ["latin1", "base64", "hex"] as const) expect(text).to.not.include(Buffer.from(secret).toString(coding));
      }
    }
  });

  it("call: a request that fails at the payee costs nothing, and the locks go at once", async () => {
    const scene = await createScene({ handle: async () => ({ status: 3, response: new Uint8Array() }) });
    expect((await failure(call(scene))).code).to.equal("SDK_ROUTE");
    await scene.settle();
    expect(await scene.gains()).to.deep.equal({ a: 0, h: 0, b: 0 });
    expect([...scene.links.ah.locks, ...scene.links.hb.locks]).to.deep.equal([]);
  });

  it("hub steals: a quote of its own under the payer's call is seen before there is a lock", async () => {
    const scene = await createScene();
    const own = createSealKey();
    scene.toPayer = (message) => {
      if (message.kind !== "invoice") return message;
      const fake = encodeInvoice({ hashlock: keccak256(new Uint8Array(32)), price: PRICE, goodUntil: scene.register.now + 60, signature: new Uint8Array(64).fill(1) });
      return { ...message, sealed: seal(own.publicKey, fake) };
    };
    expect((await failure(call(scene))).code).to.equal("SDK_ROUTE");
    expect(scene.links.ah.locks).to.have.length(0);
  });

  it("hub steals: a route key that the payee has not signed is refused", async () => {
    const scene = await createScene();
    scene.toPayer = (message) => (message.kind === "offer" ? { ...message, publicKey: createSealKey().publicKey } : message);
    expect((await failure(call(scene))).code).to.equal("SDK_ROUTE");
    expect(scene.served).to.have.length(0);
  });

  it("hub steals: without the payee's preimage the payer pays nothing", async () => {
    const scene = await createScene();
    scene.toPayee = (message) => (message.kind === "quote" ? message : undefined);
    scene.toPayer = (message) => (message.kind === "answer" ? { ...message, preimage: new Uint8Array(32).fill(9) } : message);
    const { code, values } = await failure(call(scene));
    expect(code).to.equal("SDK_ROUTE");
    expect(values["hashlock"]).to.be.a("string");
    expect(scene.links.ah.paid).to.equal(0);
  });

  it("hub steals: a lock for less than the price gets no preimage", async () => {
    const scene = await createScene();
    const add = scene.links.hb.addLock.bind(scene.links.hb);
    scene.links.hb.addLock = (lock) => add({ ...lock, amount: PRICE - 1 });
    expect((await failure(call(scene))).code).to.equal("SDK_ROUTE");
    expect(scene.served).to.have.length(0);
    expect(await scene.gains()).to.deep.equal({ a: 0, h: 0, b: 0 });
  });

  it("hub drops: the payer's lock comes back after its end", async () => {
    const scene = await createScene({ timeoutMs: IMPATIENT_MS });
    ignoreAtHub(scene.links.ha, "pay");
    expect((await failure(call(scene))).code).to.equal("SDK_TIMEOUT");
    await scene.settle();
    await scene.payer.tick();
    expect(scene.links.ah.locks).to.have.length(1);
    scene.register.now += 4 * WINDOW;
    await scene.payer.tick();
    expect(scene.links.ah.locks).to.have.length(0);
    expect(await scene.gains()).to.deep.equal({ a: 0, h: 0, b: 0 });
  });

  it("hub delays: an answer after the payer's patience is paid all the same, and kept for it", async () => {
    const scene = await createScene({ timeoutMs: IMPATIENT_MS });
    const late: RouteMessage[] = [];
    scene.toPayer = (message) => {
      if (message.kind !== "answer") return message;
      late.push(message);
      return undefined;
    };
    const { code, values } = await failure(call(scene));
    expect(code).to.equal("SDK_TIMEOUT");
    await until("the answer comes", () => late.length > 0, PATIENT_MS);
    await scene.payer.receive(encodeRouteMessage(late[0]!));
    await scene.paidOn();
    expect(await scene.gains()).to.deep.equal({ a: -(PRICE + FEE), h: FEE, b: PRICE });
    const hashlock = Uint8Array.from(Buffer.from(String(values["hashlock"]).slice(2), "hex"));
    expect(await scene.payer.again(hashlock)).to.deep.equal(SECRET_REQUEST.slice().reverse());
  });

  it("hub replays: an answer that comes twice, and a second payment under one hashlock, cost nothing", async () => {
    const scene = await createScene();
    const answers: Uint8Array[] = [];
    const { onRoute, onLock } = scene.links.ha.hooks;
    const pays: Uint8Array[] = [];
    scene.links.ha.hooks = { onLock, onRoute: (bytes) => {
      if (decodeRouteMessage(bytes)?.kind === "pay") pays.push(bytes);
      onRoute(bytes);
    } };
    scene.toPayer = (message) => {
      if (message.kind === "answer") answers.push(encodeRouteMessage(message));
      return message;
    };
    const { hashlock } = await call(scene);
    await scene.paidOn();
    for (const bytes of answers) await scene.payer.receive(bytes);
    for (const bytes of pays) await scene.hub.receive(scene.links.ha, bytes);
    // The hub shows the payee the same lock again: the request was run once and is not run again.
    await scene.payee.onLock(scene.links.bh, { hashlock, amount: PRICE, expiry: scene.register.now + WINDOW });
    await scene.settle();
    expect(scene.served).to.have.length(1);
    expect(await scene.gains()).to.deep.equal({ a: -(PRICE + FEE), h: FEE, b: PRICE });
  });

  it("hub swaps the ciphertext: the payer sees it, has paid one price, and gets the answer when it asks again", async () => {
    const scene = await createScene();
    scene.toPayer = (message) => (message.kind === "answer" ? { ...message, sealed: seal(createSealKey().publicKey, SECRET_REQUEST) } : message);
    const { code, values } = await failure(call(scene));
    expect(code).to.equal("SDK_ROUTE");
    expect(values["paid"]).to.equal(true);
    await scene.paidOn();
    expect(await scene.gains()).to.deep.equal({ a: -(PRICE + FEE), h: FEE, b: PRICE });
    scene.toPayer = (message) => message;
    const hashlock = Uint8Array.from(Buffer.from(String(values["hashlock"]).slice(2), "hex"));
    expect(await scene.payer.again(hashlock)).to.deep.equal(SECRET_REQUEST.slice().reverse());
    expect((await failure(scene.payer.again(hashlock))).code).to.equal("SDK_ROUTE");
  });

  it("hub goes away after the answer: the payee is paid on chain, and the hub by the same preimage", async () => {
    const scene = await createScene({ timeoutMs: IMPATIENT_MS });
    ignoreAtHub(scene.links.hb, "answer");
    expect((await failure(call(scene))).code).to.equal("SDK_TIMEOUT");
    await scene.settle();
    const [lock] = scene.links.bh.incomingLocks();
    scene.register.now = lock!.expiry - 60;
    expect(await scene.payee.tick([scene.links.bh])).to.have.length(1);
    expect(await scene.gains()).to.deep.equal({ a: -(PRICE + FEE), h: FEE, b: PRICE });
    // It comes back with nothing but its journal and its channels, and takes the preimage from L1.
    scene.register.now = lock!.expiry + 1;
    await scene.restartHub();
    await scene.hub.tick();
    expect(scene.links.hb).to.include({ paid: PRICE });
    scene.register.now += 3 * WINDOW;
    await scene.payer.tick();
    expect(scene.links.ah).to.include({ paid: PRICE + FEE });
  });

  it("payee claims on chain in the last second: the hub's own lock still counts", async () => {
    const scene = await createScene({ timeoutMs: IMPATIENT_MS });
    ignoreAtHub(scene.links.hb, "answer");
    await failure(call(scene));
    await scene.settle();
    const [lock] = scene.links.bh.incomingLocks();
    const [upstream] = scene.links.ha.incomingLocks();
    expect(upstream!.expiry - lock!.expiry).to.be.at.least(1.5 * WINDOW);
    scene.register.now = lock!.expiry;
    // Straight to L1: the payee waits for nobody.
    const [journal] = journals;
    await scene.register.register(journal!.get(lock!.hashlock)!);
    scene.register.now += 1;
    await scene.hub.tick();
    expect(await scene.gains()).to.deep.equal({ a: -(PRICE + FEE), h: FEE, b: PRICE });
  });

  it("payer vanishes: the hub registers the preimage before the payer's lock ends", async () => {
    const scene = await createScene();
    scene.links.ah.settleLock = () => new Promise(() => undefined);
    void call(scene);
    await scene.paidOn();
    expect(scene.links.hb.paid).to.equal(PRICE);
    const [lock] = scene.links.ha.incomingLocks();
    expect(await scene.hub.tick()).to.have.length(0);
    scene.register.now = lock!.expiry - 100;
    expect(await scene.hub.tick()).to.deep.equal([toHex(lock!.hashlock)]);
    expect(await scene.hub.tick()).to.have.length(0);
    scene.register.now += WINDOW;
    expect(await scene.gains()).to.deep.equal({ a: -(PRICE + FEE), h: FEE, b: PRICE });
  });

  it("hub: is owed by the payer before it owes the payee, and passes on no lock that ends too soon, leaves it nothing, or repeats a hashlock", async () => {
    const scene = await createScene();
    const now = scene.register.now;
    const refused: string[] = [];
    scene.toPayer = (message) => {
      if (message.kind === "refused") refused.push(message.why);
      return message;
    };
    const tryLock = async (hashlock: Uint8Array, amount: number, expiry: number): Promise<void> => {
      scene.links.ah.sendRoute(encodeRouteMessage({ kind: "pay", id: "0".repeat(32), to: bob.address, hashlock, amount: PRICE, expiry: now + WINDOW }));
      await scene.links.ah.addLock({ hashlock, amount, expiry });
      await scene.settle();
    };
    await tryLock(keccak256(new Uint8Array([1])), PRICE + FEE - 1, now + 3 * WINDOW);
    await tryLock(keccak256(new Uint8Array([2])), PRICE + FEE, now + 2 * WINDOW);
    expect(scene.links.hb.locks).to.have.length(0);
    await tryLock(keccak256(new Uint8Array([3])), PRICE + FEE, now + 3 * WINDOW);
    await tryLock(keccak256(new Uint8Array([3])), PRICE + FEE, now + 3 * WINDOW);
    expect(scene.links.hb.locks).to.have.length(1);
    expect(refused).to.have.length(3);
  });
});
