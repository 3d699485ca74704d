import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { toHex } from "../../core/codec/hex.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import type { AgentChannel } from "../../sdk/node/channels/AgentChannel.ts";
import type { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import { ChannelStage } from "../builders/channelStage.ts";
import type { Actor } from "../builders/channelStage.ts";

const GWEI = 1_000_000_000;
const DAY = 86_400;
const PRICE = "0.001";
const PRICE_UNITS = 1_000_000;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

for (const kind of ["hardhat", "anvil"] as const) {
  describe(`channels on L1, told as stories (${kind})`, function () {
    this.timeout(60_000);
    let stage: ChannelStage;
    let alice: Actor;
    let bob: Actor;

    before(async () => (stage = await ChannelStage.start(kind)));
    after(() => stage?.stop());
    beforeEach(async () => ([alice, bob] = [await stage.actor(), await stage.actor()]));
    afterEach(() => stage.stopAgents());

    /** Bob sells, Alice has opened a channel with 1 ETH; calls flow. */
    async function open(options: { deposit?: string; windowSeconds?: number } = {}): Promise<{ seller: ChannelAgent; buyer: ChannelAgent; channel: AgentChannel }> {
      const seller = await stage.agent(bob, { listen: "tls://127.0.0.1:0", priceUnits: PRICE_UNITS, answer: async (request) => bytes(text(request).toUpperCase()) });
      const buyer = await stage.agent(alice);
      const channel = await buyer.open({ partner: bob.wallet.address, peerAddress: seller.listening!, deposit: options.deposit ?? "1", windowSeconds: options.windowSeconds ?? DAY });
      await channel.ready();
      return { seller, buyer, channel };
    }
    const held = async (): Promise<bigint> => stage.provider.getBalance(stage.adjudicator);
    const code = async (promise: Promise<unknown>): Promise<string> => promise.then(() => "none", (error: { code?: string }) => String(error.code));

    it("channel: two agents open it, call each other, and close it together with one transaction", async () => {
      const { seller, channel } = await open();
      const first = await channel.call(bytes("good morning"), PRICE);
      expect(text(first.response)).to.equal("GOOD MORNING");
      expect(first).to.include({ sequence: 1, priceUnits: PRICE_UNITS });
      expect(first.requestHash).to.deep.equal(keccak256(bytes("good morning")));
      await Promise.all(Array.from({ length: 200 }, (_, i) => channel.call(bytes(`call ${i}`), PRICE)));
      await channel.pay("0.1");
      const bobs = seller.channel(channel.channelId);
      // Bob pays back what he owes Alice for another thing, without having put in anything of his own.
      await bobs.pay("0.05");
      const summary = await channel.status();
      expect(summary).to.include({ status: "open", isConnected: true, depositA: GWEI, depositB: 0, partner: bob.wallet.address.toLowerCase() });
      expect(summary.engine.outgoing.paid).to.equal(201 * PRICE_UNITS + GWEI / 10);

      const before = await stage.provider.getBalance(bob.wallet.address);
      const earned = 201 * PRICE_UNITS + GWEI / 20;
      const settled = await channel.close();
      expect(settled).to.include({ isUnilateral: false, shareA: GWEI - earned, shareB: earned });
      expect((await stage.provider.getBalance(bob.wallet.address)) - before).to.equal(BigInt(earned) * BigInt(GWEI));
      await stage.until("both see the end", () => [alice, bob].every(({ notices }) => notices.some(({ kind }) => kind === "settled")));
      for (const each of [channel, bobs]) expect(await code(each.pay("0.01"))).to.equal("channel/left");
      await stage.stopAgents();
      const log = readdirSync(alice.dir).find((name) => name.startsWith("calls-"))!;
      const [line] = readFileSync(join(alice.dir, log), "utf8").split("\n");
      expect(line).to.equal(`out 1 ${PRICE_UNITS} 0 ${toHex(first.requestHash)} ${toHex(first.responseHash)}`);
    });

    it("channel: a call that pays too little fails and costs nothing", async () => {
      const { channel } = await open();
      expect(await code(channel.call(bytes("cheap"), "0.0001"))).to.equal("channel/call-failed");
      await channel.call(bytes("fair"), PRICE);
      expect((await channel.status()).engine.outgoing.paid).to.equal(PRICE_UNITS);
      expect(await code(channel.call(bytes("dear"), "2"))).to.equal("channel/capacity");
    });

    it("channel: money is added, a part is taken out, and a new base goes on from there", async () => {
      const { seller, buyer, channel } = await open({ deposit: "0.1" });
      await channel.pay("0.08");
      expect(await code(channel.pay("0.05"))).to.equal("channel/capacity");
      await channel.deposit("0.1");
      await channel.pay("0.05");
      expect(await channel.rebase()).to.equal(1);
      const bobs = seller.channel(channel.channelId);
      await bobs.ready();
      const before = await stage.provider.getBalance(bob.wallet.address);
      const gas = async (hash: string): Promise<bigint> => {
        const receipt = (await stage.provider.getTransactionReceipt(hash))!;
        return receipt.gasUsed * receipt.gasPrice;
      };
      const hash = await seller.withdraw(bobs, "0.12");
      expect((await stage.provider.getBalance(bob.wallet.address)) - before + (await gas(hash))).to.equal(12n * 10n ** 16n);
      await buyer.refresh();
      await channel.pay("0.01");
      expect(await channel.close()).to.include({ shareA: 6 * 10 ** 7, shareB: 2 * 10 ** 7 });
    });

    it("dispute: an agent whose partner has gone ends it alone, and has what is its own after the window", async () => {
      const { seller, channel } = await open();
      await channel.call(bytes("hello"), PRICE);
      const bobs = seller.channel(channel.channelId);
      await bobs.pay("0.0005");
      await seller.stop();
      expect(await code(channel.close(500))).to.equal("SDK_TIMEOUT");
      const deadline = await channel.dispute();
      expect((await channel.status()).deadline).to.equal(deadline);
      expect(await code(channel.pay("0.01"))).to.equal("channel/closing");
      expect(await code(channel.finish(300))).to.equal("SDK_TIMEOUT");
      await stage.pass(DAY + 1);
      // Alice does not hand in her own vouchers: those are for Bob to show, who has gone.
      expect(await channel.finish()).to.include({ isUnilateral: true, shareA: GWEI, shareB: 0 });
    });

    it("dispute: who closes with an old state is answered by the other side's agent, and the newest state is paid", async () => {
      const { channel } = await open();
      const old = channel.evidence();
      await channel.call(bytes("before"), PRICE);
      await channel.rebase();
      for (let i = 0; i < 20; i += 1) await channel.call(bytes(`call ${i}`), PRICE);
      // Alice would like to have paid nothing.
      await alice.desk.challenge(channel.config, 0, old);
      await stage.until("bob's answer", () => bob.notices.some(({ kind }) => kind === "answered-close"));
      await stage.pass(DAY + 1);
      expect(await channel.finish()).to.include({ isUnilateral: true, shareA: GWEI - 21 * PRICE_UNITS, shareB: 21 * PRICE_UNITS });
    });

    it("partner never comes: the deposit is back after the window", async () => {
      const buyer = await stage.agent(alice);
      const channel = await buyer.open({ partner: bob.wallet.address, peerAddress: "tls://127.0.0.1:1", deposit: "0.5", windowSeconds: 600 });
      expect(await code(channel.ready(300))).to.equal("SDK_TIMEOUT");
      await channel.dispute();
      await stage.pass(601);
      expect(await channel.finish()).to.include({ shareA: GWEI / 2, shareB: 0 });
    });

    it("both lose their stores: each has its own deposit back after the window", async () => {
      const { seller, channel } = await open();
      const { channelId, config } = channel;
      await bob.desk.deposit(config, 1, GWEI / 4);
      await channel.call(bytes("hello"), PRICE);
      await stage.stopAgents();
      expect(seller.listening).to.be.a("string");
      const buyer = await stage.agent({ ...alice, dir: `${alice.dir}-new` });
      await stage.agent({ ...bob, dir: `${bob.dir}-new` });
      const found = await buyer.desk.openedWith(buyer.address, 0);
      const again = await buyer.adopt({ channelId, config: found.at(-1)!, peerAddress: undefined, leaf: undefined, close: undefined });
      await again.dispute();
      await stage.pass(DAY + 1);
      expect(await again.finish()).to.include({ shareA: GWEI, shareB: GWEI / 4 });
    });

    it("restart: an agent goes on with what it knew, and hands in a close that both had signed", async () => {
      const { buyer, channel } = await open();
      await channel.call(bytes("one"), PRICE);
      await buyer.stop();
      const again = await stage.agent(alice);
      const same = again.channel(channel.channelId);
      await same.ready();
      expect((await same.call(bytes("two"), PRICE)).sequence).to.equal(2);
      expect(await same.close()).to.include({ shareB: 2 * PRICE_UNITS });
    });

    it("wrong network: an address without the contract is refused before anything is paid", async () => {
      expect(await code(ChannelDesk.connect(alice.wallet.address, alice.wallet))).to.equal("SDK_WRONG_CHAIN");
      expect(await held()).to.be.a("bigint");
    });
  });
}
