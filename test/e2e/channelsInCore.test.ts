import { expect } from "chai";

import { leastCoreWindowSeconds } from "../../sdk/channels/CoreChannelDesk.ts";
import type { AgentChannel } from "../../sdk/node/channels/AgentChannel.ts";
import { startCoreChannelStage } from "../builders/coreChannelStage.ts";
import type { CoreChannelParty, CoreChannelStage } from "../builders/coreChannelStage.ts";
import { until } from "../builders/until.ts";

const GWEI = 1_000_000_000;
const WINDOW_SECONDS = 6;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("channels inside Layer Core, told as stories", function () {
  this.timeout(90_000);
  let stage: CoreChannelStage;
  let alice: CoreChannelParty;
  let bob: CoreChannelParty;

  before(async () => {
    stage = await startCoreChannelStage(async (request) => bytes(text(request).toUpperCase()));
    ({ alice, bob } = stage);
  });
  after(() => stage?.stop());
  afterEach(function () {
    const shown = (_name: string, value: unknown): unknown => (value instanceof Error ? value.message : value);
    if (this.currentTest?.state === "failed") process.stderr.write(`${JSON.stringify([...alice.notices, ...bob.notices], shown)}\n`);
  });

  const balance = async ({ client, wallet }: CoreChannelParty): Promise<number> => (await client.account(wallet.address))!.balance;
  const code = async (promise: Promise<unknown>): Promise<string> => promise.then(() => "none", (error: { code?: string }) => String(error.code));
  const transactions = (): Promise<number[]> => Promise.all([alice, bob].map(({ wallet }) => stage.provider.getTransactionCount(wallet.address)));
  const open = (): Promise<AgentChannel> => stage.open(WINDOW_SECONDS);

  it("open, call, close: without a transaction on L1", async () => {
    const before = { transactions: await transactions(), bob: await balance(bob) };
    const channel = await open();
    expect(text((await channel.call(bytes("inside"), "0.01")).response)).to.equal("INSIDE");
    await Promise.all(Array.from({ length: 100 }, (_, i) => channel.call(bytes(`call ${i}`), "0.001")));
    expect(await channel.status()).to.include({ status: "open", home: "Layer Core", depositA: GWEI / 2 });
    await channel.deposit("0.1");
    const settled = await channel.close();
    expect(settled).to.deep.include({ isUnilateral: false, shareA: 49 * 10 ** 7, shareB: 11 * 10 ** 7, transactionHash: undefined });
    expect((await balance(bob)) - before.bob).to.equal(11 * 10 ** 7);
    expect(await transactions()).to.deep.equal(before.transactions);
    await until("bob sees the end", () => bob.notices.some(({ kind, channelId }) => kind === "settled" && channelId === channel.channelId));
  });

  it("dispute with an old state: answered inside the chain, and the newest state is paid", async () => {
    const before = { transactions: await transactions(), bob: await balance(bob) };
    const channel = await open();
    await channel.call(bytes("one"), "0.01");
    await channel.rebase();
    await channel.call(bytes("two"), "0.02");
    // Alice asks for the close with nothing in her hands: as if nothing had been paid.
    const known = await alice.home.known(channel.config);
    await alice.home.desk.challenge({ ...channel.evidence(), base: undefined, voucher: undefined }, known).durable;
    await until("bob's answer", () => bob.notices.some(({ kind, channelId }) => kind === "answered-close" && channelId === channel.channelId));
    expect(await channel.finish(60_000)).to.include({ isUnilateral: true, shareA: 47 * 10 ** 7, shareB: 3 * 10 ** 7 });
    expect(await transactions()).to.deep.equal(before.transactions);
    // Bob paid the fees of his answer, and nothing else.
    expect((await balance(bob)) - before.bob).to.be.within(3 * 10 ** 7 - 100, 3 * 10 ** 7);
  });

  it("open: refuses a window in which a sequencer could keep an answer out, unless told otherwise", async () => {
    const least = leastCoreWindowSeconds(await alice.home.inclusionDelaySeconds());
    expect(least).to.be.greaterThan(86_400);
    expect(await code(alice.agent.openInCore({ partner: bob.wallet.address, deposit: "0.1", windowSeconds: least - 1 }))).to.equal("SDK_INPUT");
  });
});
