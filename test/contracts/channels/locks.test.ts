import { expect } from "chai";
import { getBytes, keccak256, toBeHex } from "ethers";

import { toHex } from "../../../core/codec/hex.ts";
import type { Lock } from "../../../core/channel/index.ts";
import { KEY, UNIT, WINDOW, errorOf, startChannelScene } from "../../builders/channelScene.ts";
import type { ChannelScene } from "../../builders/channelScene.ts";
import { addressBytes } from "../../builders/channelSigning.ts";
import type { ChannelSigning } from "../../builders/channelSigning.ts";

const FOREVER = 2 ** 40 - 1;
const preimage = (number: number): string => toBeHex(number, 32);
const lockOf = (number: number, amount: number, expiry: number): Lock => ({ hashlock: getBytes(keccak256(preimage(number))), amount, expiry });

describe("ChannelAdjudicator: locks and endorsements", () => {
  let scene: ChannelScene;
  before(async () => {
    scene = await startChannelScene("anvil");
  });
  after(() => scene.stop());

  const register = (number: number) => scene.send(scene.stranger, scene.adjudicator.registerPreimage.populateTransaction(preimage(number)));
  const recorded = async (channel: ChannelSigning) => (await scene.state(channel)).recorded;
  /** What B gets by the close, in units. */
  async function shareOfB(channel: ChannelSigning, locks: readonly Lock[] = []): Promise<number> {
    const before = await scene.balance(scene.b);
    await scene.close(channel, [locks, []]);
    return Number(((await scene.balance(scene.b)) - before) / BigInt(UNIT));
  }

  describe("endorsements", () => {
    it("a payer alone: cannot shut out what it paid with a high sequence, nor change the locks", async () => {
      const channel = await scene.opened();
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ sequence: 2 ** 53 - 1, paid: 1 })] });
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ sequence: 10, paid: 400 })] });
      expect((await recorded(channel))[0]).to.deep.include({ sequence: 0, paid: 400 });
      const locked = channel.voucher({ sequence: 11, paid: 401, locks: [lockOf(1, 1, FOREVER)] });
      for (const from of [scene.a, scene.stranger]) expect(await errorOf(scene.checkpoint(channel, { vouchers: [locked] }, from))).to.equal("NotBetter");
      // Its own signature is no endorsement, a stranger's neither.
      for (const key of [KEY.A, KEY.STRANGER]) {
        const forged = channel.voucher({ sequence: 11, paid: 401, locks: [lockOf(1, 1, FOREVER)], endorsedBy: { key } });
        expect(await errorOf(scene.checkpoint(channel, { vouchers: [forged] }))).to.equal("BadSignature");
      }
      expect((await recorded(channel))[0].locksHash).to.deep.equal(new Uint8Array(32));
    });

    it("the payee: endorses by sending it, by its signature, by its key's, and by a challenge of its key", async () => {
      const expiry = FOREVER;
      const session = addressBytes(KEY.SESSION);
      const channels = [await scene.opened(), await scene.opened(), await scene.opened(), await scene.opened()] as const;
      const locks = [lockOf(2, 50, FOREVER)];
      const grantOf = (channel: ChannelSigning) => channel.grant(1, { key: session, cap: 0, expiry });
      await scene.checkpoint(channels[0], { vouchers: [channels[0].voucher({ sequence: 3, paid: 9, locks })] }, scene.b);
      await scene.checkpoint(channels[1], { vouchers: [channels[1].voucher({ sequence: 3, paid: 9, locks, endorsedBy: true })] });
      const byKey = { key: KEY.SESSION, grant: grantOf(channels[2]) };
      await scene.checkpoint(channels[2], { vouchers: [channels[2].voucher({ sequence: 3, paid: 9, locks, endorsedBy: byKey })] });
      await scene.challenge(channels[3], { vouchers: [channels[3].voucher({ sequence: 3, paid: 9, locks })] }, { side: 1, grant: grantOf(channels[3]), from: scene.session });
      for (const channel of channels) {
        const [ofA] = await recorded(channel);
        expect(ofA).to.deep.include({ sequence: 3, paid: 9 });
        expect(ofA.locksHash).to.not.deep.equal(new Uint8Array(32));
      }
    });

    it("endorsed ones: go by their sequence, whatever they pay, and the most that was recorded stays known", async () => {
      const channel = await scene.opened();
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ sequence: 5, paid: 90 })] });
      const first = channel.voucher({ sequence: 6, paid: 60, locks: [lockOf(3, 50, FOREVER)], endorsedBy: true });
      await scene.checkpoint(channel, { vouchers: [first] });
      expect((await recorded(channel))[0]).to.deep.include({ sequence: 6, paid: 60, highestPaid: 90 });
      // With the same locks only more counts, from anyone; an older list does not come back.
      const more = channel.voucher({ sequence: 4, paid: 70, locks: first.locks });
      await scene.checkpoint(channel, { vouchers: [more] });
      expect((await recorded(channel))[0]).to.deep.include({ sequence: 6, paid: 70, highestPaid: 90 });
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ sequence: 6, paid: 500, endorsedBy: true })] }))).to.equal("NotBetter");
      // A payee that sends an old one by mistake does not lower what stands.
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ sequence: 9, paid: 65, locks: first.locks })] }, scene.b))).to.equal("NotBetter");
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ sequence: 7, paid: 65, endorsedBy: true })] });
      expect((await recorded(channel))[0]).to.deep.include({ sequence: 7, paid: 65, highestPaid: 90, locksHash: new Uint8Array(32) });
      await scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 65, paidByB: 0 }) });
      expect((await recorded(channel))[0]).to.deep.include({ sequence: 0, paid: 65, highestPaid: 65 });
    });
  });

  describe("parts of an update", () => {
    it("front-run: an update of which a part was handed in before counts for the rest", async () => {
      const channel = await scene.opened();
      const base = channel.base({ version: 1, paidByA: 10, paidByB: 0 });
      const [ofA, ofB] = [channel.voucher({ version: 1, paid: 40 }), channel.voucher({ payer: 1, version: 1, paid: 30 })];
      await scene.challenge(channel);
      await scene.respond(channel, { base, vouchers: [ofB] }, scene.a);
      await scene.respond(channel, { base, vouchers: [ofA, ofB] }, scene.b);
      expect((await recorded(channel)).map(({ paid }) => paid)).to.deep.equal([40, 30]);
      expect(await errorOf(scene.respond(channel, { base, vouchers: [ofA, ofB] }, scene.b))).to.equal("NotBetter");
    });
  });

  describe("registerPreimage", () => {
    it("one register for all channels: the first time counts", async () => {
      const hashlock = lockOf(40, 1, 0).hashlock;
      expect(await scene.adjudicator.preimageTime(toHex(hashlock))).to.equal(0n);
      await register(40);
      const time = await scene.now();
      await scene.mineAt(time + 50);
      const receipt = await register(40);
      expect(scene.events(receipt)).to.deep.equal([]);
      expect(Number(await scene.adjudicator.preimageTime(toHex(hashlock)))).to.equal(time);
    });
  });

  describe("close", () => {
    /** Closing, with these locks of A recorded; the deadline has come. */
    async function due(locks: (now: number) => readonly Lock[]): Promise<{ channel: ChannelSigning; deadline: number; list: readonly Lock[] }> {
      const channel = await scene.opened();
      const list = locks(await scene.now());
      await scene.challenge(channel, { vouchers: [channel.voucher({ paid: 100, locks: list, endorsedBy: true })] });
      return { channel, list, deadline: (await scene.state(channel)).deadline };
    }

    it("locks won, lost and late: only what was registered by its expiry, that second included, is paid", async () => {
      const { channel, list, deadline } = await due((now) => [lockOf(11, 1, now + 300), lockOf(12, 20, now + 301), lockOf(13, 300, now + 300)]);
      await scene.setNextTime(list[0]!.expiry);
      await register(11);
      await scene.setNextTime(list[2]!.expiry + 1);
      await register(13);
      await scene.setNextTime(deadline);
      expect(await shareOfB(channel, list)).to.equal(500 + 100 + 1);
      expect((await recorded(channel))[0]).to.deep.include({ paid: 100, locksHash: new Uint8Array(32) });
    });

    it("another list than the recorded one, or none: is refused", async () => {
      const { channel, list, deadline } = await due((now) => [lockOf(21, 10, now + 300), lockOf(22, 20, now + 300)]);
      await scene.mineAt(deadline);
      for (const bad of [[], [list[0]!], [list[1]!, list[0]!], [list[0]!, { ...list[1]!, amount: 2_000 }]]) {
        expect(await errorOf(scene.close(channel, [bad, []]))).to.equal("WrongLocks");
      }
      expect(await errorOf(scene.close(channel, [list, list]))).to.equal("WrongLocks");
      expect(await shareOfB(channel, list)).to.equal(600);
    });

    it("an open lock: keeps the close until it expires, if its preimage does not come", async () => {
      const { channel, list, deadline } = await due((now) => [lockOf(31, 10, now + 3 * WINDOW)]);
      await scene.setNextTime(deadline);
      expect(await errorOf(scene.close(channel, [list, []]))).to.equal("TooEarly");
      await scene.setNextTime(list[0]!.expiry);
      expect(await errorOf(scene.close(channel, [list, []]))).to.equal("TooEarly");
      await scene.setNextTime(list[0]!.expiry + 1);
      expect(await shareOfB(channel, list)).to.equal(600);
    });

    it("a preimage that is known: there is nothing to wait for", async () => {
      const { channel, list, deadline } = await due((now) => [lockOf(32, 10, now + 3 * WINDOW)]);
      await register(32);
      await scene.setNextTime(deadline);
      expect(await shareOfB(channel, list)).to.equal(610);
    });

    it("a lock for ever: keeps the close for four windows and no longer", async () => {
      const { channel, list, deadline } = await due(() => [lockOf(33, 10, FOREVER)]);
      await scene.setNextTime(deadline + 4 * WINDOW - 1);
      expect(await errorOf(scene.close(channel, [list, []]))).to.equal("TooEarly");
      await scene.setNextTime(deadline + 4 * WINDOW);
      expect(await shareOfB(channel, list)).to.equal(600);
    });

    it("17 locks: are refused, 16 are not", async () => {
      const channel = await scene.opened();
      const locks = Array.from({ length: 17 }, (_, index) => lockOf(100 + index, 1, FOREVER));
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ locks, endorsedBy: true })] }))).to.equal("TooMany");
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ locks: locks.slice(1), endorsedBy: true })] });
    });
  });
});
