import { expect } from "chai";
import { Interface, keccak256, toUtf8Bytes } from "ethers";
import type { Contract } from "ethers";

import { closeStruct, configStruct, grantStructs, updateStruct, withdrawalStruct } from "../../../chain/channels/channelStructs.ts";
import type { SignedGrant } from "../../../chain/channels/SignedState.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { baseDigest, channelDomainSeparator, grantDigest, voucherDigest } from "../../../core/channel/index.ts";
import { KEY, WINDOW, errorOf, startChannelScene } from "../../builders/channelScene.ts";
import type { ChannelScene } from "../../builders/channelScene.ts";
import { addressBytes, signForWallet } from "../../builders/channelSigning.ts";
import type { ChannelSigning } from "../../builders/channelSigning.ts";

const FOREVER = 2 ** 40 - 1;
const SESSION = addressBytes(KEY.SESSION);
/** Modes of SmartWallet. */
const WALLET = { HONEST: 0, REFUSES: 1, REVERTS: 2, BURNS_GAS: 3, RETURNS_BOMB: 4, RETURNS_DIRTY_WORD: 5, TRIES_TO_WRITE: 6 } as const;

describe("ChannelAdjudicator: signatures", () => {
  let scene: ChannelScene;
  let separator: Uint8Array;
  before(async () => {
    scene = await startChannelScene("anvil", { isClone: true });
    separator = channelDomainSeparator({ chainId: 31337, adjudicator: fromHex(scene.address) });
  });
  after(() => scene.stop());

  const register = (channel: ChannelSigning, side: 0 | 1, grant: SignedGrant, from = scene.stranger) =>
    scene.send(from, scene.adjudicator.registerGrant.populateTransaction(configStruct(channel.config), side, grantStructs(grant)[0]!));

  it("domain: is the one that core computes", async () => {
    expect(fromHex(await scene.adjudicator.domainSeparator())).to.deep.equal(separator);
    const channel = scene.channel();
    expect(fromHex(await scene.adjudicator.channelIdOf(configStruct(channel.config)))).to.deep.equal(channel.id);
  });

  describe("ERC-1271", () => {
    /** A channel in which A is a wallet that the key of A owns. */
    async function withWallet(): Promise<{ wallet: Contract; channel: ChannelSigning; setMode(mode: number): Promise<unknown> }> {
      const wallet = await scene.deploy("SmartWallet", [], scene.a);
      const channel = await scene.opened({ partyA: fromHex(await wallet.getAddress()) });
      return { wallet, channel, setMode: (mode) => scene.send(scene.a, wallet.getFunction("setMode").populateTransaction(mode)) };
    }

    it("a wallet: signs bases and vouchers as a party", async () => {
      const { channel } = await withWallet();
      const fields = { version: 1, paidByA: 10, paidByB: 0 };
      const base = channel.base(fields);
      const byWallet = { signature: signForWallet(KEY.A, baseDigest(separator, channel.id, fields)) };
      await scene.checkpoint(channel, { base: { ...base, signatures: [byWallet, base.signatures[1]] } });
      const voucher = channel.voucher({ version: 1, paid: 20 });
      const by = { signature: signForWallet(KEY.A, voucherDigest(separator, channel.id, voucher)) };
      await scene.checkpoint(channel, { vouchers: [{ ...voucher, by }] });
      expect((await scene.state(channel)).recorded[0].paid).to.equal(20);
      // 64 bytes are always a key's own: the wallet's owner is no party.
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ version: 1, paid: 30 })] }))).to.equal("BadSignature");
    });

    for (const [name, mode] of [["refuses", WALLET.REFUSES], ["reverts", WALLET.REVERTS], ["burns its gas", WALLET.BURNS_GAS], ["returns a bomb", WALLET.RETURNS_BOMB], ["returns more than the magic value", WALLET.RETURNS_DIRTY_WORD]] as const) {
      it(`a wallet that ${name}: has not signed, and costs no more than its share of gas`, async () => {
        const { channel, setMode } = await withWallet();
        await setMode(mode);
        const voucher = channel.voucher({ paid: 20 });
        const by = { signature: signForWallet(KEY.A, voucherDigest(separator, channel.id, voucher)) };
        expect(await errorOf(scene.checkpoint(channel, { vouchers: [{ ...voucher, by }] }))).to.equal("BadSignature");
      });
    }

    it("a wallet that writes while it is asked: cannot", async () => {
      const { wallet, channel, setMode } = await withWallet();
      await setMode(WALLET.TRIES_TO_WRITE);
      const voucher = channel.voucher({ paid: 20 });
      const by = { signature: signForWallet(KEY.A, voucherDigest(separator, channel.id, voucher)) };
      await scene.checkpoint(channel, { vouchers: [{ ...voucher, by }] });
      expect(await wallet.getFunction("writes")()).to.equal(0n);
    });

    it("a wallet that changes its mind: cannot take back what was registered, but what was not", async () => {
      const { channel, setMode } = await withWallet();
      const fields = { key: SESSION, cap: 500, expiry: FOREVER };
      const signature = signForWallet(KEY.A, grantDigest(separator, channel.id, fields));
      const grant = { ...fields, signature };
      await register(channel, 0, grant);
      await setMode(WALLET.REFUSES);
      const unregistered = { ...fields, cap: 501 };
      const other = { ...unregistered, signature: signForWallet(KEY.A, grantDigest(separator, channel.id, unregistered)) };
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 20 }, { key: KEY.SESSION, grant: other })] }))).to.equal("BadSignature");
      const registered = { ...fields, signature: new Uint8Array(0) };
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 20 }, { key: KEY.SESSION, grant: registered })] });
      expect(await scene.adjudicator.isGrantRegistered(channel.id, toHex(channel.config.partyA), toHex(SESSION), 500, FOREVER)).to.equal(true);
    });

    it("a contract without ERC-1271: registers grants and asks for the close itself", async () => {
      const actor = await scene.deploy("HostileRecipient", []);
      const channel = await scene.opened({ partyA: fromHex(await actor.getAddress()) });
      const grant = { key: SESSION, cap: 500, expiry: FOREVER, signature: new Uint8Array(0) };
      const execute = async (data: string) => scene.send(scene.stranger, actor.getFunction("execute").populateTransaction(scene.address, 0, data));
      await execute((await scene.adjudicator.registerGrant.populateTransaction(configStruct(channel.config), 0, grantStructs(grant)[0]!)).data);
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 20 }, { key: KEY.SESSION, grant })] });
      await execute((await scene.adjudicator.challenge.populateTransaction(configStruct(channel.config), { base: [], vouchers: [], endorsements: [] }, 0, [])).data);
      expect((await scene.state(channel)).status).to.equal("CLOSING");
    });
  });

  describe("registerGrant", () => {
    it("without the principal: is refused, forged, empty, of the other side or too late", async () => {
      const channel = await scene.opened();
      const fields = { key: SESSION, cap: 500, expiry: FOREVER };
      expect(await errorOf(register(channel, 0, channel.grant(0, fields, KEY.STRANGER)))).to.equal("BadSignature");
      expect(await errorOf(register(channel, 1, channel.grant(0, fields)))).to.equal("BadSignature");
      expect(await errorOf(register(channel, 0, { ...fields, signature: new Uint8Array(0) }))).to.equal("GrantUnknown");
      expect(await errorOf(register(channel, 2 as 1, channel.grant(0, fields)))).to.equal("BadSide");
      expect(await errorOf(register(channel, 0, channel.grant(0, { ...fields, expiry: 5 })))).to.equal("GrantExpired");
    });

    it("what is registered: is one key, cap and expiry of one party in one channel", async () => {
      const [channel, other] = [await scene.opened(), await scene.opened()];
      const grant = channel.grant(0, { key: SESSION, cap: 500, expiry: FOREVER });
      await register(channel, 0, grant);
      const bare = { ...grant, signature: new Uint8Array(0) };
      const by = (changed: object) => ({ key: KEY.SESSION, grant: { ...bare, ...changed } });
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 1 }, by({ cap: 501 }))] }))).to.equal("GrantUnknown");
      expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ payer: 1, paid: 1 }, by({}))] }))).to.equal("GrantUnknown");
      expect(await errorOf(scene.checkpoint(other, { vouchers: [other.voucher({ paid: 1 }, by({}))] }))).to.equal("GrantUnknown");
      await scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 1 }, by({}))] });
    });
  });

  describe("challenge", () => {
    it("strangers, keys without a grant and sides that are none: are refused", async () => {
      const channel = await scene.opened();
      expect(await errorOf(scene.challenge(channel, {}, { side: 0, from: scene.stranger }))).to.equal("NotParty");
      expect(await errorOf(scene.challenge(channel, {}, { side: 1, from: scene.a }))).to.equal("NotParty");
      expect(await errorOf(scene.challenge(channel, {}, { side: 2 as 1, from: scene.a }))).to.equal("BadSide");
      const forged = channel.grant(0, { key: SESSION, cap: 0, expiry: FOREVER }, KEY.STRANGER);
      expect(await errorOf(scene.challenge(channel, {}, { side: 0, grant: forged, from: scene.session }))).to.equal("BadSignature");
      const grant = channel.grant(0, { key: SESSION, cap: 0, expiry: FOREVER });
      expect(await errorOf(scene.challenge(channel, {}, { side: 0, grant, from: scene.stranger }))).to.equal("NotParty");
      await scene.challenge(channel, {}, { side: 0, grant, from: scene.session });
      expect((await scene.state(channel)).deadline).to.equal((await scene.now()) + WINDOW);
    });
  });

  describe("what only principals sign", () => {
    it("withdraw: a session key does not do", async () => {
      const channel = await scene.opened();
      const fields = { nonce: 0, side: 0 as const, amount: 1, validUntil: FOREVER };
      const send = (by: readonly [string?, string?]) => scene.send(scene.a, scene.adjudicator.withdraw.populateTransaction(configStruct(channel.config), withdrawalStruct(channel.withdrawal(fields, by))));
      expect(await errorOf(send([KEY.SESSION]))).to.equal("BadSignature");
      expect(await errorOf(send([undefined, KEY.A]))).to.equal("BadSignature");
      await send([]);
    });

    it("closeCooperatively: takes a session key up to its cap, and no other", async () => {
      const channel = await scene.opened();
      const by = { key: KEY.SESSION, grant: channel.grant(0, { key: SESSION, cap: 100, expiry: FOREVER }) };
      const send = (paidByA: number, signers: Parameters<ChannelSigning["close"]>[1]) =>
        scene.send(scene.stranger, scene.adjudicator.closeCooperatively.populateTransaction(configStruct(channel.config), closeStruct(channel.close({ paidByA, paidByB: 0 }, signers))));
      expect(await errorOf(send(101, [by]))).to.equal("GrantCapExceeded");
      expect(await errorOf(send(100, [{ key: KEY.STRANGER }]))).to.equal("BadSignature");
      expect(await errorOf(send(100, [by, { key: KEY.A }]))).to.equal("BadSignature");
      await send(100, [by]);
      expect(await scene.state(channel)).to.include({ status: "CLOSED", isUnilateral: false, deadline: 0 });
    });
  });

  describe("verify", () => {
    it("an update: is checked without a transaction, at a time of choice", async () => {
      const channel = scene.channel();
      const expiry = (await scene.now()) + 1_000;
      const by = { key: KEY.SESSION, grant: channel.grant(0, { key: SESSION, cap: 100, expiry }) };
      const update = updateStruct({ base: channel.base({ version: 1, paidByA: 1, paidByB: 0 }), vouchers: [channel.voucher({ version: 1, paid: 20, endorsedBy: { key: KEY.B } }, by)] });
      await scene.adjudicator.verify(configStruct(channel.config), update, 0);
      await scene.adjudicator.verify(configStruct(channel.config), update, expiry);
      const selector = async (call: Promise<unknown>) => call.then(() => "", (error: { data?: string }) => error.data?.slice(0, 10));
      expect(await selector(scene.adjudicator.verify(configStruct(channel.config), update, expiry + 1))).to.equal(new Interface(["error GrantExpired(address,uint256)"]).getError("GrantExpired")!.selector);
      const unendorsed = updateStruct({ vouchers: [channel.voucher({ paid: 20, endorsedBy: { key: KEY.STRANGER } })] });
      expect(await selector(scene.adjudicator.verify(configStruct(channel.config), unendorsed, 0))).to.equal(keccak256(toUtf8Bytes("BadSignature(bytes32,address)")).slice(0, 10));
    });
  });
});
