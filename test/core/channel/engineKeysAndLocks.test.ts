import { expect } from "chai";

import { HOME, channelIdOf, grantDigest, locksHashOf } from "../../../core/channel/index.ts";
import type { Grant } from "../../../core/channel/index.ts";
import { keccak256 } from "../../../core/hash/index.ts";
import { codeOf } from "./support/codeOf.ts";
import { Duo, WINDOW_SECONDS, hashOf, separator, testConfig } from "./support/Duo.ts";
import type { EngineHost } from "./support/EngineHost.ts";
import { addressOf, fakeSignature } from "./support/FakeKeys.ts";

const id = channelIdOf(testConfig);
const DAY_SECONDS = 86_400;

function call(duo: Duo, host: EngineHost, price: number): void {
  host.engine.call(price, hashOf("request"));
  host.pull();
  duo.settle();
}

function grantOf(host: EngineHost, cap: number, seconds: number, name = "session"): [Grant, Uint8Array] {
  const grant = { key: addressOf(name), cap, expiry: host.l1Seconds + seconds };
  return [grant, fakeSignature(grantDigest(separator, id, grant), host.principal)];
}

function use(duo: Duo, host: EngineHost, grant: [Grant, Uint8Array]): void {
  host.engine.useSessionKey(...grant);
  host.pull();
  duo.settle();
}

describe("channel engine: session keys", () => {
  it("session key: signs for its principal, and the evidence has its grant", () => {
    const duo = new Duo().fund(100, 0).connect();
    use(duo, duo.a, grantOf(duo.a, 50, DAY_SECONDS));
    call(duo, duo.a, 5);
    const { voucher, grants, validUntil } = duo.b.engine.evidence();
    expect(voucher?.signer).eql(addressOf("session"));
    expect(grants.map(({ grant }) => grant.cap)).eql([50]);
    expect(validUntil).equals(duo.a.l1Seconds + DAY_SECONDS);
  });

  it("cap: neither signed nor taken beyond it, open locks included (pitfall 3)", () => {
    const duo = new Duo().fund(100, 0).connect();
    use(duo, duo.a, grantOf(duo.a, 50, DAY_SECONDS));
    expect(codeOf(() => duo.a.engine.call(51, hashOf("x")))).equals("channel/grant-cap");
    duo.a.engine.addLock({ hashlock: hashOf("h"), amount: 30, expiry: duo.a.l1Seconds + 5000 });
    expect(codeOf(() => duo.a.engine.call(21, hashOf("x")))).equals("channel/grant-cap");
    call(duo, duo.a, 20);
    expect(duo.b.engine.status().incoming.paid).equals(20);
    expect(codeOf(() => duo.a.engine.useSessionKey(...grantOf(duo.a, 49, DAY_SECONDS)))).equals("channel/grant-cap");
  });

  it("expiry: keeps two windows away, warns, and another key goes on (pitfall 3)", () => {
    const duo = new Duo().fund(100, 0).connect();
    expect(codeOf(() => duo.a.engine.useSessionKey(...grantOf(duo.a, 50, 2 * WINDOW_SECONDS)))).equals("channel/grant-expired");
    use(duo, duo.a, grantOf(duo.a, 50, DAY_SECONDS));
    call(duo, duo.a, 5);
    duo.wait(10, DAY_SECONDS - 2 * WINDOW_SECONDS);
    expect(duo.b.alarms).include("channel/grant-expiring");
    expect(codeOf(() => duo.a.engine.call(5, hashOf("x")))).equals("channel/grant-expired");
    use(duo, duo.a, grantOf(duo.a, 80, DAY_SECONDS, "next"));
    call(duo, duo.a, 5);
    expect(duo.b.engine.evidence().voucher?.signer).eql(addressOf("next"));
  });

  it("a payer that signs with an old key all the same: is refused", () => {
    const duo = new Duo().fund(100, 0).connect();
    use(duo, duo.a, grantOf(duo.a, 50, DAY_SECONDS));
    duo.b.tick(0, DAY_SECONDS - 2 * WINDOW_SECONDS);
    call(duo, duo.a, 5);
    expect(duo.b.cuts.at(-1)?.code).equals("channel/grant-expired");
    expect(duo.b.verifying).eql([]);
  });

  it("a grant that its principal did not sign: is not taken", () => {
    const duo = new Duo().fund(100, 0).connect();
    const [grant] = grantOf(duo.a, 50, DAY_SECONDS);
    use(duo, duo.a, [grant, new Uint8Array(64)]);
    expect(duo.b.cuts.at(-1)?.code).equals("channel/signature");
  });

  it("a contract: pays with a key whose grant stands on chain, and with nothing else", () => {
    const duo = new Duo({ contractParties: [true, false] }).fund(100, 0).connect();
    expect(codeOf(() => duo.a.engine.call(5, hashOf("x")))).equals("channel/signer");
    use(duo, duo.a, grantOf(duo.a, 50, DAY_SECONDS));
    call(duo, duo.a, 5);
    expect(duo.b.cuts.at(-1)?.code).equals("channel/signer");
    duo.b.engine.grantRegistered(addressOf("session"));
    duo.connect();
    expect(duo.b.engine.status().incoming.paid).equals(5);
  });

  it("a key that changes: what was not sent is signed again by the new one, and both signed the same", () => {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.call(5, hashOf("x"));
    duo.a.work();
    duo.disconnect();
    use(duo, duo.a, grantOf(duo.a, 50, DAY_SECONDS));
    duo.connect();
    expect(duo.b.engine.evidence().voucher?.signer).eql(addressOf("session"));
    expect(duo.b.engine.status().incoming.paid).equals(5);
  });
});

describe("channel engine: locks", () => {
  const preimage = hashOf("preimage");
  const hashlock = keccak256(preimage);

  function locked(amount = 40): Duo {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.addLock({ hashlock, amount, expiry: duo.a.l1Seconds + 2 * WINDOW_SECONDS });
    duo.a.pull();
    return duo.settle();
  }

  it("a lock: is under the voucher, counts against the deposit, and needs the payee's endorsement on chain", () => {
    const duo = locked();
    expect(duo.b.events.some(({ name }) => name === "lock-added")).equals(true);
    const { voucher, needsEndorsement } = duo.b.engine.evidence();
    expect(voucher?.voucher.locksHash).eql(locksHashOf(voucher?.locks ?? []));
    expect(voucher?.voucher.paid).equals(0);
    expect(needsEndorsement).equals(true);
    expect(codeOf(() => duo.a.engine.call(61, hashOf("x")))).equals("channel/capacity");
  });

  it("the preimage: is paid for with the next voucher, and both keep it", () => {
    const duo = locked();
    duo.b.engine.claimLock(preimage);
    duo.b.pull();
    duo.settle();
    const shown = duo.a.events.find(({ name }) => name === "preimage");
    expect(shown?.name === "preimage" && shown.preimage).eql(preimage);
    expect(duo.b.events.some(({ name }) => name === "lock-settled")).equals(true);
    expect(duo.b.engine.status().incoming).include({ paid: 40 });
    expect(duo.b.engine.evidence().voucher?.locks).eql([]);
    for (const host of duo.hosts) {
      host.crash();
      expect(host.engine.preimageOf(hashlock)).eql(preimage);
    }
  });

  it("a preimage that is shown while nobody is connected: is shown again", () => {
    const duo = locked();
    duo.disconnect();
    duo.b.engine.claimLock(preimage);
    duo.b.work();
    duo.b.crash();
    duo.connect();
    expect(duo.b.engine.status().incoming).include({ paid: 40 });
  });

  it("a payer that does not pay for the preimage: the payee is told to go to the chain in time", () => {
    const duo = locked();
    duo.disconnect();
    duo.b.engine.claimLock(preimage);
    duo.b.tick(0, 2 * WINDOW_SECONDS - duo.b.options.config.windowSeconds / 4);
    expect(duo.b.alarms).include("channel/lock-expiring");
  });

  it("drop: only after the end with the margin, and never if the chain has the preimage", () => {
    const duo = locked();
    expect(codeOf(() => duo.a.engine.dropLock(hashlock))).equals("channel/lock-expiry");
    duo.wait(0, 2 * WINDOW_SECONDS + 121);
    duo.a.engine.dropLock(hashlock);
    duo.a.pull();
    duo.settle();
    expect(duo.b.events.some(({ name }) => name === "lock-dropped")).equals(true);
    expect(duo.b.engine.status().incoming.locks).eql([]);

    const won = locked();
    won.b.engine.preimageRegistered(preimage);
    won.a.engine.preimageRegistered(preimage);
    won.a.pull();
    won.settle();
    expect(won.b.engine.status().incoming.paid).equals(40);
  });

  it("a payer that drops a lock too early, or one that the chain has: is refused", () => {
    const early = locked();
    early.a.tick(0, 2 * WINDOW_SECONDS + 121);
    early.a.engine.dropLock(hashlock);
    early.a.pull();
    early.settle();
    expect(early.b.cuts.at(-1)?.code).equals("channel/lock-expiry");
    const won = locked();
    won.b.engine.preimageRegistered(preimage);
    won.wait(0, 2 * WINDOW_SECONDS + 121);
    won.a.engine.dropLock(hashlock);
    won.a.pull();
    won.settle();
    expect(won.b.cuts.at(-1)?.code).equals("channel/lock");
  });

  it("release: the next base takes the lock out, and before that none is signed", () => {
    const duo = locked();
    expect(codeOf(() => duo.a.engine.rebase())).equals("channel/locks-open");
    duo.b.engine.releaseLock(hashlock);
    expect(codeOf(() => duo.b.engine.claimLock(preimage))).equals("channel/lock");
    duo.b.pull();
    duo.settle();
    duo.a.engine.rebase();
    duo.a.pull();
    duo.settle();
    expect(duo.b.engine.evidence().base?.base).eql({ version: 1, paidByA: 0, paidByB: 0 });
    expect(duo.a.engine.status().outgoing.locks).eql([]);
    expect(duo.a.engine.refusalOf(100)).equals(undefined);
  });

  it("a lock that arrives too late to be claimed: is taken and given up at once", () => {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.addLock({ hashlock, amount: 40, expiry: duo.a.l1Seconds + WINDOW_SECONDS });
    duo.a.work();
    duo.b.tick(0, WINDOW_SECONDS);
    duo.settle();
    expect(duo.b.engine.status().incoming.locks[0]).include({ isReleased: true });
    expect(duo.b.events.some(({ name }) => name === "lock-added")).equals(false);
    expect(duo.a.engine.status().outgoing.locks[0]).include({ isReleased: true });
  });

  it("limits: ends too soon or too late, twice the same, more than 16, nothing, or in Layer Core", () => {
    const duo = new Duo().fund(1000, 0).connect();
    const add = (name: string, amount: number, seconds: number) => codeOf(() => duo.a.engine.addLock({ hashlock: hashOf(name), amount, expiry: duo.a.l1Seconds + seconds }));
    expect(add("a", 1, 60)).equals("channel/lock-expiry");
    expect(add("a", 1, 4 * WINDOW_SECONDS + 1)).equals("channel/lock-expiry");
    expect(add("a", 0, 5000)).equals("channel/lock");
    for (let i = 0; i < 16; i++) expect(add(`${i}`, 1, 5000)).equals(undefined);
    expect(add("16", 1, 5000)).equals("channel/lock");
    expect(add("0", 1, 5000)).equals("channel/lock");
    const core = new Duo({ config: { ...testConfig, home: HOME.CORE, unit: 0 } }).fund(10, 0).connect();
    expect(codeOf(() => core.a.engine.addLock({ hashlock, amount: 1, expiry: core.a.l1Seconds + 5000 }))).equals("channel/lock");
  });

  it("one way: the side that is only paid cannot pay, and nobody takes it from it", () => {
    const duo = new Duo({ config: { ...testConfig, flags: 1 } }).fund(100, 100).connect();
    expect(codeOf(() => duo.b.engine.call(1, hashOf("x")))).equals("channel/one-way");
    call(duo, duo.a, 1);
    const [frame] = (() => {
      const free = new Duo().fund(0, 100).connect();
      free.b.engine.call(1, hashOf("x"));
      free.b.work();
      return free.b.wire;
    })();
    duo.a.receive(frame);
    expect(duo.a.cuts.at(-1)?.code).equals("channel/one-way");
  });
});
