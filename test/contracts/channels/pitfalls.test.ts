import { expect } from "chai";
import { getBytes, keccak256, toBeHex } from "ethers";

import { closeStruct, configStruct, updateStruct } from "../../../chain/channels/channelStructs.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import { ONE_WAY, grantDigest, channelDomainSeparator } from "../../../core/channel/index.ts";
import { KEY, UNIT, WINDOW, errorOf, startChannelScene } from "../../builders/channelScene.ts";
import type { ChannelScene } from "../../builders/channelScene.ts";
import { addressBytes, signingFor } from "../../builders/channelSigning.ts";
import type { ChannelSigning } from "../../builders/channelSigning.ts";
import { foldChannelEvents } from "../../builders/foldChannelEvents.ts";

const MAX_UNITS = 2 ** 53 - 1;
/** Order of the curve. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FOREVER = 2 ** 40 - 1;
const SESSION = addressBytes(KEY.SESSION);

/** The numbers are those of the list of how systems of this kind broke. Those of the engine and the tower are tested there. */
for (const kind of ["hardhat", "anvil"] as const) {
  describe(`ChannelAdjudicator on ${kind}: pitfalls`, function () {
    let scene: ChannelScene;
    before(async () => {
      scene = await startChannelScene(kind);
    });
    after(() => scene.stop());

    /** What A and B hold of ETH, and what a close gives them: in units. */
    async function paidBy(action: () => Promise<unknown>): Promise<[number, number]> {
      const before = [await scene.balance(scene.a), await scene.balance(scene.b)] as const;
      await action();
      const after = [await scene.balance(scene.a), await scene.balance(scene.b)] as const;
      return [Number((after[0] - before[0]) / BigInt(UNIT)), Number((after[1] - before[1]) / BigInt(UNIT))];
    }
    async function afterWindow(channel: ChannelSigning): Promise<void> {
      await scene.mineAt((await scene.state(channel)).deadline);
    }

    it("1, forged signatures at the stored version: a challenge with them reverts", async () => {
      const channel = await scene.opened();
      await scene.checkpoint(channel, { base: channel.base({ version: 3, paidByA: 10, paidByB: 0 }) });
      const forged = channel.base({ version: 3, paidByA: 900, paidByB: 0 }, [{ key: KEY.STRANGER }, { key: KEY.B }]);
      expect(await errorOf(scene.challenge(channel, { base: forged }))).to.equal("NotBetter");
      const newer = channel.base({ version: 4, paidByA: 900, paidByB: 0 }, [{ key: KEY.STRANGER }, { key: KEY.B }]);
      expect(await errorOf(scene.challenge(channel, { base: newer }))).to.equal("BadSignature");
      expect((await scene.state(channel)).status).to.equal("OPEN");
    });

    it("2, version 0: a signed one is refused and credits nothing", async () => {
      const channel = await scene.opened();
      const zero = channel.base({ version: 0, paidByA: 700, paidByB: 0 });
      expect(await errorOf(scene.checkpoint(channel, { base: zero }))).to.equal("NotBetter");
      expect(await errorOf(scene.challenge(channel, { base: zero }))).to.equal("NotBetter");
      expect((await scene.state(channel)).recorded[0].paid).to.equal(0);
    });

    it("3, a session key: counts in its channel only, until its expiry and up to its cap, all checked on chain", async () => {
      const channel = await scene.opened();
      const other = await scene.opened();
      const expiry = (await scene.now()) + 100;
      const grant = channel.grant(0, { key: SESSION, cap: 50, expiry });
      const key = { key: KEY.SESSION, grant };
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 51 }, key)] }))).to.equal("GrantCapExceeded");
      const lock = { hashlock: new Uint8Array(32).fill(1), amount: 31, expiry: FOREVER };
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 20, locks: [lock], endorsedBy: true }, key)] }))).to.equal("GrantCapExceeded");
      expect(await errorOf(scene.checkpoint(other, { vouchers: [other.voucher({ paid: 5 }, key)] }))).to.equal("BadSignature");
      expect(await errorOf(scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 51, paidByB: 0 }, [key]) }))).to.equal("GrantCapExceeded");
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 50 }, key)] });
      // The key may also ask for the close, while its grant lives.
      expect(await errorOf(scene.challenge(channel, {}, { side: 1, grant, from: scene.session }))).to.equal("BadSignature");
      await scene.mineAt(expiry + 1);
      expect(await errorOf(scene.challenge(channel, {}, { side: 0, grant, from: scene.session }))).to.equal("GrantExpired");
      expect(await errorOf(scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 40, paidByB: 0 }, [key]) }))).to.equal("GrantExpired");
      expect((await scene.state(channel)).recorded[0].paid).to.equal(50);
    });

    it("4, a replay: nothing signed for another chain, another deployment or another salt counts, and an id is used once", async () => {
      const channel = await scene.opened();
      const adjudicator = getBytes(scene.address);
      const elsewhere = [
        signingFor({ chainId: 1, adjudicator }, channel.config, [KEY.A, KEY.B]),
        signingFor({ chainId: 31337, adjudicator: new Uint8Array(20).fill(9) }, channel.config, [KEY.A, KEY.B]),
        signingFor({ chainId: 31337, adjudicator }, { ...channel.config, salt: channel.config.salt + 1_000 }, [KEY.A, KEY.B]),
      ];
      for (const foreign of elsewhere) {
        expect(await errorOf(scene.checkpoint(channel, { base: foreign.base({ version: 1, paidByA: 1, paidByB: 0 }) }))).to.equal("BadSignature");
        expect(await errorOf(scene.checkpoint(channel, { vouchers: [foreign.voucher({ paid: 1 })] }))).to.equal("BadSignature");
        const close = scene.adjudicator.closeCooperatively.populateTransaction(configStruct(channel.config), closeStruct(foreign.close({ paidByA: 1, paidByB: 0 })));
        expect(await errorOf(scene.send(scene.a, close))).to.equal("BadSignature");
      }
      const close = closeStruct(channel.close({ paidByA: 1, paidByB: 0 }));
      const send = () => scene.send(scene.a, scene.adjudicator.closeCooperatively.populateTransaction(configStruct(channel.config), close));
      await send();
      expect(await errorOf(send())).to.equal("WrongStatus");
      const open = scene.adjudicator.open.populateTransaction(configStruct(channel.config), 0, 1);
      expect(await errorOf(scene.send(scene.a, open, { value: BigInt(UNIT) }))).to.equal("WrongStatus");
    });

    it("5, after a rebase: a voucher of the base before counts no more", async () => {
      const channel = await scene.opened();
      const old = channel.voucher({ payer: 0, version: 1, sequence: 9, paid: 400 });
      await scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 100, paidByB: 0 }), vouchers: [old] });
      expect((await scene.state(channel)).recorded[0].paid).to.equal(400);
      await scene.checkpoint(channel, { base: channel.base({ version: 2, paidByA: 300, paidByB: 0 }), vouchers: [old] });
      expect((await scene.state(channel)).recorded[0].paid).to.equal(300);
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [old] }))).to.equal("NotBetter");
    });

    it("6, two states signed at one version: the first that is recorded stands", async () => {
      const channel = await scene.opened();
      await scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 10, paidByB: 0 }) });
      expect(await errorOf(scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 0, paidByB: 0 }) }))).to.equal("NotBetter");
    });

    it("7, another token: the config is the id, so it is another channel, which nobody opened", async () => {
      const channel = await scene.opened();
      const token = await (await scene.deploy("TestToken")).getAddress();
      const swapped = { ...channel, config: { ...channel.config, asset: fromHex(token) } };
      expect(await errorOf(scene.challenge(swapped))).to.equal("WrongStatus");
      expect(await errorOf(scene.checkpoint(swapped, { vouchers: [channel.voucher({ paid: 1 })] }))).to.equal("WrongStatus");
      expect(await errorOf(scene.close(swapped))).to.equal("WrongStatus");
    });

    it("8, a deadline put off again and again: fixed by the challenge, moved once by a late answer, then never", async () => {
      const channel = await scene.opened();
      await scene.challenge(channel);
      const { deadline } = await scene.state(channel);
      expect(await errorOf(scene.challenge(channel))).to.equal("WrongStatus");
      const answer = (paid: number) => scene.respond(channel, { vouchers: [channel.voucher({ paid })] });
      await scene.setNextTime(deadline - WINDOW / 4 - 1);
      await answer(1);
      expect((await scene.state(channel)).deadline).to.equal(deadline);
      await scene.setNextTime(deadline - WINDOW / 4);
      await answer(2);
      const later = deadline + WINDOW / 2;
      expect(await scene.state(channel)).to.include({ deadline: later, isExtended: true });
      await scene.setNextTime(later - 1);
      await answer(3);
      expect((await scene.state(channel)).deadline).to.equal(later);
      await scene.setNextTime(later);
      expect(await errorOf(answer(4))).to.equal("TooLate");
    });

    it("9, the very second of the deadline: it is for the close, no longer for an answer", async () => {
      const [first, second] = [await scene.opened(), await scene.opened()];
      await scene.challenge(first);
      await scene.challenge(second);
      const { deadline } = await scene.state(second);
      await scene.setNextTime(deadline - 1);
      expect(await errorOf(scene.close(second))).to.equal("TooEarly");
      await scene.setNextTime(deadline);
      expect(await errorOf(scene.respond(second, { vouchers: [second.voucher({ paid: 1 })] }))).to.equal("TooLate");
      await scene.close(second);
      expect((await scene.state(second)).status).to.equal("CLOSED");
    });

    it("10, after the close: no update, no claim, no deposit, no second payout", async () => {
      const channel = await scene.opened({ flags: ONE_WAY }, [1_000, 0]);
      await scene.challenge(channel);
      expect(await errorOf(scene.deposit(channel, 0, 1))).to.equal("WrongStatus");
      await afterWindow(channel);
      await scene.close(channel);
      const voucher = channel.voucher({ paid: 5 });
      expect(await errorOf(scene.close(channel))).to.equal("WrongStatus");
      expect(await errorOf(scene.deposit(channel, 0, 1))).to.equal("WrongStatus");
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [voucher] }))).to.equal("WrongStatus");
      expect(await errorOf(scene.respond(channel, { vouchers: [voucher] }))).to.equal("WrongStatus");
      expect(await errorOf(scene.challenge(channel))).to.equal("WrongStatus");
      const { vouchers } = updateStruct({ vouchers: [voucher] });
      expect(await errorOf(scene.send(scene.b, scene.adjudicator.claim.populateTransaction(configStruct(channel.config), vouchers[0]!)))).to.equal("WrongStatus");
    });

    it("11, a payee that reverts or is frozen: blocks nobody, and collects later", async () => {
      const wallet = await scene.deploy("HostileRecipient");
      const payee = await wallet.getAddress();
      const channel = await scene.opened({ partyA: fromHex(payee) });
      await scene.send(scene.stranger, wallet.getFunction("setMode").populateTransaction(1));
      const ask = scene.adjudicator.challenge.populateTransaction(configStruct(channel.config), updateStruct({}), 1, []);
      await scene.send(scene.b, ask);
      await afterWindow(channel);
      expect(await paidBy(() => scene.close(channel))).to.deep.equal([0, 500]);
      const zero = `0x${"0".repeat(40)}`;
      expect(await scene.adjudicator.credits(zero, payee)).to.equal(1_000n * BigInt(UNIT));
      const collect = await scene.adjudicator.collect.populateTransaction(zero, scene.a);
      expect(await paidBy(() => scene.send(scene.stranger, wallet.getFunction("execute").populateTransaction(scene.address, 0, collect.data)))).to.deep.equal([1_000, 0]);
    });

    it("12, too little gas for the push: the close reverts instead of looking like a refusal", async () => {
      const channel = await scene.opened();
      await scene.challenge(channel);
      await afterWindow(channel);
      const close = scene.adjudicator.close.populateTransaction(configStruct(channel.config), [], []);
      expect(await errorOf(scene.send(scene.stranger, close, { gas: 150_000 }))).to.equal("TooLittleGas");
      expect(await paidBy(() => scene.close(channel))).to.deep.equal([1_000, 500]);
    });

    it("13, a return bomb and a token that calls back: paid or kept, and nothing is entered twice", async () => {
      const bomb = await scene.deploy("HostileRecipient");
      const channel = await scene.opened({ partyA: fromHex(await bomb.getAddress()) });
      await scene.send(scene.stranger, bomb.getFunction("setMode").populateTransaction(3));
      await scene.send(scene.b, scene.adjudicator.challenge.populateTransaction(configStruct(channel.config), updateStruct({}), 1, []));
      await afterWindow(channel);
      const receipt = await scene.close(channel);
      expect(receipt.gasUsed < 320_000n).to.equal(true);
      expect(scene.events(receipt).map((event) => event.kind)).to.deep.equal(["closed", "paymentKept"]);

      const token = await scene.deploy("ReentrantToken");
      const ours = scene.channel({ asset: fromHex(await token.getAddress()) });
      await scene.send(scene.a, token.getFunction("mint").populateTransaction(scene.a, 10n ** 18n));
      await scene.send(scene.a, token.getFunction("approve").populateTransaction(scene.address, 10n ** 18n));
      const again = await scene.adjudicator.deposit.populateTransaction(configStruct(ours.config), 0, 0);
      await scene.send(scene.a, token.getFunction("setCall").populateTransaction(scene.address, again.data));
      await scene.send(scene.a, scene.adjudicator.open.populateTransaction(configStruct(ours.config), 0, 100));
      expect(await token.getFunction("lastRevert")()).to.equal(keccak256(Buffer.from("ReentrancyGuardReentrantCall()")).slice(0, 10));
      expect((await scene.state(ours)).nets).to.deep.equal([100, 0]);
    });

    it("14, a token that takes a fee or changes balances by itself: the one is refused, the other hurts its own channels only", async () => {
      const approve = async (name: string) => {
        const token = await scene.deploy(name);
        for (const owner of [scene.a, scene.b]) {
          await scene.send(owner, token.getFunction("mint").populateTransaction(owner, 10n ** 18n));
          await scene.send(owner, token.getFunction("approve").populateTransaction(scene.address, 10n ** 18n));
        }
        return token;
      };
      const fee = await approve("FeeToken");
      const refused = scene.channel({ asset: fromHex(await fee.getAddress()) });
      expect(await errorOf(scene.send(scene.a, scene.adjudicator.open.populateTransaction(configStruct(refused.config), 0, 100)))).to.equal("WrongAmountReceived");

      const eth = await scene.opened();
      const token = await approve("FreezingToken");
      const channel = await scene.opened({ asset: fromHex(await token.getAddress()) });
      await scene.send(scene.a, token.getFunction("setPercent").populateTransaction(50));
      for (const each of [eth, channel]) await scene.challenge(each);
      await afterWindow(channel);
      expect(await paidBy(() => scene.close(eth))).to.deep.equal([1_000, 500]);
      // Half of the money is gone: who is pushed last waits until it is back.
      await scene.close(channel);
      const owed = async (owner: string) => Number((await scene.adjudicator.credits(await token.getAddress(), owner)) / BigInt(UNIT));
      expect([await owed(scene.a), await owed(scene.b)]).to.deep.equal([1_000, 0]);
      await scene.send(scene.a, token.getFunction("setPercent").populateTransaction(200));
      await scene.send(scene.a, scene.adjudicator.collect.populateTransaction(await token.getAddress(), scene.a));
      expect(await owed(scene.a)).to.equal(0);
    });

    it("16, events out of order or twice: all that is recorded can be built from them, in any order", async () => {
      const channel = await scene.opened();
      const first = await scene.provider.getBlockNumber();
      const receipts = [
        await scene.deposit(channel, 1, 7),
        await scene.checkpoint(channel, { base: channel.base({ version: 2, paidByA: 10, paidByB: 3 }), vouchers: [channel.voucher({ payer: 1, version: 2, paid: 30 })] }),
        await scene.checkpoint(channel, { vouchers: [channel.voucher({ payer: 0, version: 2, sequence: 5, paid: 70 })] }),
        await scene.challenge(channel, { base: channel.base({ version: 3, paidByA: 80, paidByB: 30 }) }),
        await scene.respond(channel, { vouchers: [channel.voucher({ payer: 0, version: 3, sequence: 9, paid: 90 })] }),
      ];
      expect(first).to.be.greaterThan(0);
      const events = receipts.flatMap((receipt) => scene.events(receipt));
      const state = await scene.state(channel);
      for (const order of [events, [...events].reverse(), [...events, ...events]]) {
        expect(foldChannelEvents(order)).to.deep.equal({ version: state.version, paid: state.recorded.map(({ paid }) => paid), deadline: state.deadline });
      }
    });

    it("17, amounts beyond what is counted: refused when signed, when deposited and in the config", async () => {
      const channel = await scene.opened();
      const raw = updateStruct({ base: channel.base({ version: 1, paidByA: 0, paidByB: 0 }) });
      raw.base[0]!.paidByA = BigInt(MAX_UNITS) + 1n;
      expect(await errorOf(scene.send(scene.a, scene.adjudicator.checkpoint.populateTransaction(configStruct(channel.config), raw)))).to.equal("TooLarge");
      const voucher = channel.voucher({ paid: MAX_UNITS, locks: [{ hashlock: new Uint8Array(32), amount: 1, expiry: FOREVER }], endorsedBy: true });
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [voucher] }))).to.equal("TooLarge");
      const tiny = await scene.opened({ unit: 1 }, [1, 0]);
      const over = scene.adjudicator.deposit.populateTransaction(configStruct(tiny.config), 0, MAX_UNITS);
      expect(await errorOf(scene.send(scene.a, over, { value: BigInt(MAX_UNITS) }))).to.equal("TooLarge");
      // More than is held may be signed, and is worth what is held.
      await scene.challenge(channel, { base: channel.base({ version: 1, paidByA: MAX_UNITS, paidByB: 0 }) });
      await afterWindow(channel);
      expect(await paidBy(() => scene.close(channel))).to.deep.equal([0, 1_500]);
    });

    it("18, signatures made malleable, used twice or padded: only the one form counts", async () => {
      const channel = await scene.opened();
      const voucher = channel.voucher({ paid: 9 });
      const { signature } = voucher.by;
      const [r, vs] = [signature.slice(0, 32), BigInt(`0x${Buffer.from(signature.slice(32)).toString("hex")}`)];
      const s = vs & ((1n << 255n) - 1n);
      const word = (value: bigint) => getBytes(toBeHex(value, 32));
      const flipped = new Uint8Array([...r, ...word(((ORDER - s) & ((1n << 255n) - 1n)) | ((vs >> 255n) ^ 1n) << 255n)]);
      const long = new Uint8Array([...r, ...word(s), vs >> 255n === 0n ? 27 : 28]);
      for (const bad of [flipped, long, new Uint8Array([...signature, 0]), signature.slice(0, 63), new Uint8Array(64), new Uint8Array(0)]) {
        expect(await errorOf(scene.checkpoint(channel, { vouchers: [{ ...voucher, by: { signature: bad } }] }))).to.equal("BadSignature");
      }
      // One signature does not stand for both.
      const base = channel.base({ version: 1, paidByA: 1, paidByB: 0 });
      const twice = { ...base, signatures: [base.signatures[0], base.signatures[0]] as const };
      expect(await errorOf(scene.checkpoint(channel, { base: twice }))).to.equal("BadSignature");
      // Nor does a key that recovers to nobody.
      const nobody = { key: new Uint8Array(20), cap: MAX_UNITS, expiry: FOREVER };
      const domain = channelDomainSeparator({ chainId: 31337, adjudicator: getBytes(scene.address) });
      expect(grantDigest(domain, channel.id, nobody)).to.have.length(32);
      const by = { signature: new Uint8Array(64), grant: channel.grant(0, nobody) };
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [{ ...voucher, by }] }))).to.equal("BadSignature");
      await scene.checkpoint(channel, { vouchers: [voucher] });
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [voucher, voucher] }))).to.equal("NotBetter");
    });

    it("20, a flood of invalid vouchers: what is no better is turned away before any signature is looked at", async () => {
      const channel = await scene.opened();
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 50 })] });
      const worse = channel.voucher({ paid: 50 }, { key: KEY.STRANGER });
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [worse] }))).to.equal("NotBetter");
      const many = updateStruct({ vouchers: [worse, worse, worse] });
      expect(await errorOf(scene.send(scene.a, scene.adjudicator.checkpoint.populateTransaction(configStruct(channel.config), many)))).to.equal("TooMany");
      expect(await errorOf(scene.send(scene.a, scene.adjudicator.checkpoint.populateTransaction(configStruct(channel.config), updateStruct({}))))).to.equal("EmptyUpdate");
    });

    it("24, both lose their state: either asks for the close with nothing, and each gets its deposit back", async () => {
      const channel = await scene.opened();
      await scene.challenge(channel, {}, { side: 1 });
      expect(await errorOf(scene.close(channel))).to.equal("TooEarly");
      await afterWindow(channel);
      expect(await paidBy(() => scene.close(channel))).to.deep.equal([1_000, 500]);
    });
  });
}
