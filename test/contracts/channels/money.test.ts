import { expect } from "chai";
import { ZeroAddress } from "ethers";

import { configStruct, withdrawalStruct } from "../../../chain/channels/channelStructs.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import { payoutOf } from "../../../core/channel/index.ts";
import type { ChannelConfig, PartialWithdrawal } from "../../../core/channel/index.ts";
import { UNIT, errorOf, startChannelScene } from "../../builders/channelScene.ts";
import type { ChannelScene } from "../../builders/channelScene.ts";
import type { ChannelSigning } from "../../builders/channelSigning.ts";

const FOREVER = 2 ** 40 - 1;
const MAX_UNITS = 2 ** 53 - 1;

describe("ChannelAdjudicator: money", () => {
  let scene: ChannelScene;
  before(async () => {
    scene = await startChannelScene("anvil", { isClone: true });
  });
  after(() => scene.stop());

  const open = ({ config }: ChannelSigning, side: number, units: number, value = BigInt(units) * BigInt(config.unit), from = scene.a) =>
    scene.send(from, scene.adjudicator.open.populateTransaction(configStruct(config), side, units), { value });

  describe("open", () => {
    it("a channel: is announced with its config, and holds the deposit", async () => {
      const channel = scene.channel();
      const receipt = await open(channel, 0, 1_000);
      const [opened, deposited] = scene.events(receipt);
      expect(opened).to.deep.include({ kind: "opened", channelId: channel.id, config: channel.config });
      expect(deposited).to.deep.include({ kind: "deposited", side: 0, units: 1_000 });
      expect(await scene.state(channel)).to.deep.include({ status: "OPEN", nets: [1_000, 0], version: 0, deadline: 0 });
    });

    it("opened by somebody else first: is a deposit, and nothing is spoilt", async () => {
      const channel = scene.channel();
      await open(channel, 1, 0, 0n, scene.stranger);
      const kinds = scene.events(await open(channel, 0, 10)).map(({ kind }) => kind);
      expect(kinds).to.deep.equal(["deposited"]);
      expect((await scene.state(channel)).nets).to.deep.equal([10, 0]);
    });

    for (const [parameter, change] of [
      ["partyA", { partyA: new Uint8Array(20) }], ["partyB", { partyB: new Uint8Array(20) }], ["unit", { unit: 0 }], ["windowSeconds", { windowSeconds: 0 }], ["flags", { flags: 2 }],
    ] as const satisfies readonly (readonly [string, Partial<ChannelConfig>])[]) {
      it(`config: a bad ${parameter} is refused`, async () => {
        const struct = { ...configStruct(scene.channel().config), ...configStruct({ ...scene.channel().config, ...change }) };
        expect(await errorOf(scene.send(scene.a, scene.adjudicator.open.populateTransaction(struct, 0, 0)))).to.equal("BadConfig");
      });
    }

    it("config: one party twice, the other home, and salts that are too large are refused", async () => {
      const { config } = scene.channel();
      const struct = configStruct(config);
      for (const bad of [{ partyB: struct.partyA }, { home: 1 }, { salt: BigInt(MAX_UNITS) + 1n }, { unit: BigInt(MAX_UNITS) + 1n }]) {
        expect(await errorOf(scene.send(scene.a, scene.adjudicator.open.populateTransaction({ ...struct, ...bad }, 0, 0)))).to.equal("BadConfig");
      }
    });

    it("money: has to be what is said, and of the asset", async () => {
      const channel = scene.channel();
      expect(await errorOf(open(channel, 0, 10, 10n * BigInt(UNIT) - 1n))).to.equal("WrongValue");
      expect(await errorOf(open(channel, 2, 0))).to.equal("BadSide");
      const token = scene.channel({ asset: fromHex(await (await scene.deploy("TestToken")).getAddress()) });
      expect(await errorOf(open(token, 0, 10, 1n))).to.equal("WrongValue");
      const nobody = scene.channel({ asset: new Uint8Array(20).fill(7) });
      let isRefused = false;
      await open(nobody, 0, 10, 0n).catch(() => (isRefused = true));
      expect(isRefused).to.equal(true);
    });

    it("deposit: into a channel that nobody opened is refused", async () => {
      expect(await errorOf(scene.deposit(scene.channel(), 0, 1))).to.equal("WrongStatus");
    });
  });

  describe("withdraw", () => {
    const withdraw = (channel: ChannelSigning, fields: PartialWithdrawal) =>
      scene.send(scene.stranger, scene.adjudicator.withdraw.populateTransaction(configStruct(channel.config), withdrawalStruct(channel.withdrawal(fields))));

    it("a part: is paid to its side once, while the channel goes on", async () => {
      const channel = await scene.opened();
      const before = await scene.balance(scene.b);
      await withdraw(channel, { nonce: 0, side: 1, amount: 700, validUntil: FOREVER });
      expect((await scene.balance(scene.b)) - before).to.equal(700n * BigInt(UNIT));
      expect(await scene.state(channel)).to.deep.include({ nets: [1_000, -200], withdrawalNonce: 1, status: "OPEN" });
      expect(await errorOf(withdraw(channel, { nonce: 0, side: 1, amount: 700, validUntil: FOREVER }))).to.equal("WrongNonce");
      expect(await errorOf(withdraw(channel, { nonce: 2, side: 1, amount: 1, validUntil: FOREVER }))).to.equal("WrongNonce");
    });

    it("too much, too late, while it closes: is refused", async () => {
      const channel = await scene.opened();
      expect(await errorOf(withdraw(channel, { nonce: 0, side: 0, amount: 1_501, validUntil: FOREVER }))).to.equal("NotHeld");
      expect(await errorOf(withdraw(channel, { nonce: 0, side: 0, amount: 1, validUntil: 5 }))).to.equal("WithdrawalExpired");
      expect(await errorOf(withdraw(channel, { nonce: 0, side: 2 as 1, amount: 1, validUntil: FOREVER }))).to.equal("BadSide");
      await scene.challenge(channel);
      expect(await errorOf(withdraw(channel, { nonce: 0, side: 0, amount: 1, validUntil: FOREVER }))).to.equal("WrongStatus");
    });
  });

  describe("shares", () => {
    it("whatever was signed: are those that core computes, and come to what is held", async () => {
      const cases = [[0, 0], [100, 0], [0, 100], [5_000, 0], [0, 5_000], [MAX_UNITS, MAX_UNITS], [MAX_UNITS, 0], [0, MAX_UNITS], [999, 1]] as const;
      for (const [paidByA, paidByB] of cases) {
        const channel = await scene.opened();
        await scene.challenge(channel, { base: channel.base({ version: 1, paidByA, paidByB }) });
        await scene.mineAt((await scene.state(channel)).deadline);
        const closed = scene.events(await scene.close(channel)).find((event) => event.kind === "closed")!;
        const { a, b } = payoutOf({ netA: 1_000, netB: 500, paidByA, paidByB });
        expect([closed.shareA, closed.shareB]).to.deep.equal([a, b]);
        expect(await scene.state(channel)).to.deep.include({ status: "CLOSED", isUnilateral: true, version: 1, nets: [0, 0] });
        expect((await scene.state(channel)).recorded.map(({ paid }) => paid)).to.deep.equal([paidByA, paidByB]);
      }
      expect(await scene.balance(scene.address)).to.equal(await restOf());
    });

    /** Of the channels above that are open still. */
    async function restOf(): Promise<bigint> {
      const logs = await scene.provider.getLogs({ address: scene.address, fromBlock: 0 });
      const ids = new Set(logs.map(({ topics }) => topics[1]!));
      let held = 0n;
      for (const id of ids) {
        const { netA, netB } = await scene.adjudicator.channelOf(id);
        held += netA + netB;
      }
      return held * BigInt(UNIT);
    }
  });

  describe("collect", () => {
    it("nothing owed, or to nobody: is refused", async () => {
      expect(await errorOf(scene.send(scene.a, scene.adjudicator.collect.populateTransaction(ZeroAddress, scene.a)))).to.equal("NothingToCollect");
      expect(await errorOf(scene.send(scene.a, scene.adjudicator.collect.populateTransaction(ZeroAddress, ZeroAddress)))).to.equal("ZeroAddress");
    });

    it("a frozen payee: collects to another address, once", async () => {
      const token = await scene.deploy("FreezingToken");
      for (const owner of [scene.a, scene.b]) {
        await scene.send(owner, token.getFunction("mint").populateTransaction(owner, 10n ** 18n));
        await scene.send(owner, token.getFunction("approve").populateTransaction(scene.address, 10n ** 18n));
      }
      const asset = await token.getAddress();
      const channel = await scene.opened({ asset: fromHex(asset) });
      await scene.send(scene.a, token.getFunction("setFrozen").populateTransaction(scene.a, true));
      await scene.challenge(channel);
      await scene.mineAt((await scene.state(channel)).deadline);
      await scene.close(channel);
      const collect = (to: string) => scene.send(scene.a, scene.adjudicator.collect.populateTransaction(asset, to));
      let isRefused = false;
      await collect(scene.a).catch(() => (isRefused = true));
      expect(isRefused).to.equal(true);
      await collect(scene.session);
      expect(await token.getFunction("balanceOf")(scene.session)).to.equal(1_000n * BigInt(UNIT));
      expect(await errorOf(collect(scene.session))).to.equal("NothingToCollect");
    });

    it("a payee that calls back while it is paid: enters nothing", async () => {
      const payee = await scene.deploy("HostileRecipient");
      const channel = await scene.opened({ partyB: fromHex(await payee.getAddress()) });
      const again = await scene.adjudicator.close.populateTransaction(configStruct(channel.config), [], []);
      await scene.send(scene.a, payee.getFunction("setCall").populateTransaction(scene.address, again.data));
      await scene.send(scene.a, payee.getFunction("setMode").populateTransaction(4));
      await scene.challenge(channel);
      await scene.mineAt((await scene.state(channel)).deadline);
      await scene.close(channel);
      expect(await payee.getFunction("successes")()).to.equal(0n);
      expect(await scene.balance(await payee.getAddress())).to.equal(500n * BigInt(UNIT));
    });
  });
});
