import { expect } from "chai";

import { claimStruct, closeStruct, configStruct, grantStructs, voucherStruct } from "../../../chain/channels/channelStructs.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import { ONE_WAY } from "../../../core/channel/index.ts";
import type { ChannelConfig } from "../../../core/channel/index.ts";
import type { SignedVoucher } from "../../../chain/channels/SignedState.ts";
import { KEY, UNIT, errorOf, startChannelScene } from "../../builders/channelScene.ts";
import type { ChannelScene } from "../../builders/channelScene.ts";
import { addressBytes } from "../../builders/channelSigning.ts";
import type { ChannelSigning } from "../../builders/channelSigning.ts";

const FOREVER = 2 ** 40 - 1;

describe("ChannelAdjudicator: claims", () => {
  let scene: ChannelScene;
  before(async () => {
    scene = await startChannelScene("anvil", { isClone: true });
  });
  after(() => scene.stop());

  const oneWay = (config: Partial<ChannelConfig> = {}): Promise<ChannelSigning> => scene.opened({ flags: ONE_WAY, ...config }, [1_000, 0]);
  const claim = ({ config }: ChannelSigning, voucher: SignedVoucher) => scene.send(scene.stranger, scene.adjudicator.claim.populateTransaction(configStruct(config), voucherStruct(voucher)));
  const claimMany = (...claims: readonly (readonly [ChannelSigning, SignedVoucher])[]) =>
    scene.send(scene.stranger, scene.adjudicator.claimMany.populateTransaction(claims.map(([{ config }, voucher]) => claimStruct({ config, voucher }))));
  /** What B gets, in units. */
  async function got(action: () => Promise<unknown>): Promise<number> {
    const before = await scene.balance(scene.b);
    await action();
    return Number(((await scene.balance(scene.b)) - before) / BigInt(UNIT));
  }

  it("claim: pays what a voucher adds, by anyone, and nothing twice", async () => {
    const channel = await oneWay();
    expect(await got(() => claim(channel, channel.voucher({ sequence: 4, paid: 100 })))).to.equal(100);
    expect(await got(() => claim(channel, channel.voucher({ sequence: 9, paid: 250 })))).to.equal(150);
    for (const paid of [250, 100, 0]) expect(await errorOf(claim(channel, channel.voucher({ sequence: 20, paid })))).to.equal("NothingToClaim");
    expect(await scene.state(channel)).to.deep.include({ nets: [1_000, -250], status: "OPEN" });
    // More than there is.
    expect(await got(() => claim(channel, channel.voucher({ paid: 5_000 })))).to.equal(750);
    await scene.deposit(channel, 0, 40);
    expect(await got(() => claim(channel, channel.voucher({ paid: 5_000 })))).to.equal(40);
  });

  it("claim: of a channel that is being closed is paid, and the close takes it into account", async () => {
    const channel = await oneWay();
    await scene.challenge(channel);
    expect(await got(() => claim(channel, channel.voucher({ paid: 300 })))).to.equal(300);
    await scene.mineAt((await scene.state(channel)).deadline);
    const before = await scene.balance(scene.a);
    expect(await got(() => scene.close(channel))).to.equal(0);
    expect((await scene.balance(scene.a)) - before).to.equal(700n * BigInt(UNIT));
  });

  it("claim: with an older state recorded, or agreed on later, gives B nothing twice", async () => {
    const channel = await oneWay();
    await scene.checkpoint(channel, { vouchers: [channel.voucher({ paid: 200 })] });
    expect(await got(() => claim(channel, channel.voucher({ paid: 300 })))).to.equal(300);
    const close = scene.adjudicator.closeCooperatively.populateTransaction(configStruct(channel.config), closeStruct(channel.close({ paidByA: 320, paidByB: 0 })));
    expect(await got(() => scene.send(scene.a, close))).to.equal(20);
  });

  it("claim: takes a voucher of a newer version than the recorded one, and none of an older", async () => {
    const channel = await oneWay();
    expect(await got(() => claim(channel, channel.voucher({ version: 3, paid: 30 })))).to.equal(30);
    await scene.checkpoint(channel, { base: channel.base({ version: 5, paidByA: 30, paidByB: 0 }) });
    expect(await errorOf(claim(channel, channel.voucher({ version: 4, paid: 90 })))).to.equal("NothingToClaim");
    expect(await got(() => claimMany([channel, channel.voucher({ version: 4, paid: 90 })]))).to.equal(0);
    expect(await got(() => claim(channel, channel.voucher({ version: 5, paid: 90 })))).to.equal(60);
  });

  it("claim: pays without the locks, which the close pays if they are won", async () => {
    const channel = await oneWay();
    const lock = { hashlock: new Uint8Array(32).fill(3), amount: 50, expiry: FOREVER };
    expect(await got(() => claim(channel, channel.voucher({ paid: 100, locks: [lock] })))).to.equal(100);
  });

  it("both ways: what belongs to B is no matter of a claim, and B's side of a ONE_WAY channel stays empty", async () => {
    const both = await scene.opened();
    expect(await errorOf(claim(both, both.voucher({ paid: 1 })))).to.equal("NotOneWay");
    expect(await errorOf(claimMany([both, both.voucher({ paid: 1 })]))).to.equal("NotOneWay");
    const channel = await oneWay();
    expect(await errorOf(scene.deposit(channel, 1, 1))).to.equal("OneWay");
    expect(await errorOf(claim(channel, channel.voucher({ payer: 1, paid: 1 })))).to.equal("OneWay");
    expect(await errorOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ payer: 1, paid: 1 })] }))).to.equal("OneWay");
    expect(await errorOf(scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 0, paidByB: 1 }) }))).to.equal("OneWay");
  });

  it("claimMany: one payment for each payee in a row, and what adds nothing is passed over", async () => {
    const channels = [await oneWay(), await oneWay(), await oneWay(), await oneWay()] as const;
    await claim(channels[1], channels[1].voucher({ paid: 70 }));
    await scene.challenge(channels[2]);
    await scene.mineAt((await scene.state(channels[2])).deadline);
    await scene.close(channels[2]);
    const never = scene.channel({ flags: ONE_WAY });
    const all = [...channels, never].map((channel) => [channel, channel.voucher({ paid: 70 })] as const);
    const token = await scene.deploy("TestToken");
    await scene.send(scene.a, token.getFunction("mint").populateTransaction(scene.a, 10n ** 18n));
    await scene.send(scene.a, token.getFunction("approve").populateTransaction(scene.address, 10n ** 18n));
    const inToken = await oneWay({ asset: fromHex(await token.getAddress()) });
    expect(await got(() => claimMany(...all, [inToken, inToken.voucher({ paid: 9 })]))).to.equal(140);
    expect(await token.getFunction("balanceOf")(scene.b)).to.equal(9n * BigInt(UNIT));
    expect(await got(() => claimMany(...all))).to.equal(0);
    // The same claim twice in a batch is the second time one that adds nothing.
    expect(await got(() => claimMany([channels[0], channels[0].voucher({ paid: 100 })], [channels[0], channels[0].voucher({ paid: 100 })]))).to.equal(30);
  });

  it("claimMany: one claim that is not signed reverts them all", async () => {
    const [first, second] = [await oneWay(), await oneWay()];
    const forged = second.voucher({ paid: 50 }, { key: KEY.B });
    expect(await errorOf(claimMany([first, first.voucher({ paid: 50 })], [second, forged]))).to.equal("BadSignature");
    expect((await scene.state(first)).nets).to.deep.equal([1_000, 0]);
    const zero = { ...second.voucher({ paid: 50 }), by: { signature: new Uint8Array(64) } };
    expect(await errorOf(claimMany([second, zero]))).to.equal("BadSignature");
    const locked = second.voucher({ paid: 50, locks: [{ hashlock: new Uint8Array(32), amount: 1, expiry: 9 }] });
    expect(() => claimStruct({ config: second.config, voucher: locked })).to.throw().with.property("code", "codec/length");
    const stripped = { ...locked, locks: [] };
    expect(await errorOf(claimMany([second, stripped]))).to.equal("BadSignature");
  });

  it("claimMany: a session key needs its grant in the register, alive, with a cap", async () => {
    const channel = await oneWay();
    const expiry = (await scene.now()) + 1_000;
    const grant = channel.grant(0, { key: addressBytes(KEY.SESSION), cap: 60, expiry });
    const by = { key: KEY.SESSION, grant };
    expect(await errorOf(claimMany([channel, channel.voucher({ paid: 50 }, by)]))).to.equal("GrantUnknown");
    await scene.send(scene.stranger, scene.adjudicator.registerGrant.populateTransaction(configStruct(channel.config), 0, grantStructs(grant)[0]!));
    expect(await got(() => claimMany([channel, channel.voucher({ paid: 50 }, by)]))).to.equal(50);
    expect(await errorOf(claimMany([channel, channel.voucher({ paid: 61 }, by)]))).to.equal("GrantCapExceeded");
    expect(await errorOf(claimMany([channel, channel.voucher({ paid: 60 }, { ...by, key: KEY.STRANGER })]))).to.equal("BadSignature");
    await scene.mineAt(expiry + 1);
    expect(await errorOf(claimMany([channel, channel.voucher({ paid: 60 }, by)]))).to.equal("GrantExpired");
  });

  it("claimMany: a payee that refuses keeps nobody else's money back", async () => {
    const hostile = await scene.deploy("HostileRecipient");
    await scene.send(scene.stranger, hostile.getFunction("setMode").populateTransaction(2));
    const theirs = await oneWay({ partyB: fromHex(await hostile.getAddress()) });
    const ours = await oneWay();
    expect(await got(() => claimMany([theirs, theirs.voucher({ paid: 10 })], [ours, ours.voucher({ paid: 20 })]))).to.equal(20);
    expect(await scene.adjudicator.credits(`0x${"0".repeat(40)}`, await hostile.getAddress())).to.equal(10n * BigInt(UNIT));
  });
});
