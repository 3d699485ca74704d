import { readFileSync } from "node:fs";

import { expect } from "chai";
import { JsonRpcProvider, Wallet } from "ethers";

import { fromHex } from "../../core/codec/hex.ts";
import { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import { CoreChannelDesk, leastCoreWindowSeconds } from "../../sdk/channels/CoreChannelDesk.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { L1Account } from "../../sdk/L1Account.ts";
import type { AgentChannel } from "../../sdk/node/channels/AgentChannel.ts";
import { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import type { ChannelNotice } from "../../sdk/node/channels/ChannelAgent.ts";
import { CoreHome } from "../../sdk/node/channels/home/CoreHome.ts";
import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";

const GWEI = 1_000_000_000;
const WINDOW_SECONDS = 6;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

interface Party {
  readonly wallet: Wallet;
  readonly client: Agnt2Client;
  readonly home: CoreHome;
  readonly agent: ChannelAgent;
  readonly notices: ChannelNotice[];
}

describe("channels inside Layer Core, told as stories", function () {
  this.timeout(90_000);
  let network: LocalNetworkForTests;
  let provider: JsonRpcProvider;
  let alice: Party;
  let bob: Party;

  async function party(name: string, options: { listen?: string } = {}): Promise<Party> {
    const deployment = JSON.parse(readFileSync(network.deploymentFile, "utf8")) as { contracts: { adjudicator: string } };
    const client = new Agnt2Client({ sequencerUrl: network.sequencerUrl, apiUrl: network.apiUrl, deployment });
    const wallet = Wallet.createRandom(provider) as unknown as Wallet;
    await new HttpService(network.faucetUrl, { timeoutMs: 30_000 }).postJson("/v1/faucet", { address: wallet.address, amountBase: String(5n * 10n ** 18n) });
    const l1 = await L1Account.connect(client, wallet);
    await l1.credited(await l1.deposit("2"));
    const home = new CoreHome(new CoreChannelDesk(await client.agent({ signer: createKeySigner(wallet.privateKey), windowMs: 0 })), provider);
    const notices: ChannelNotice[] = [];
    const agent = await ChannelAgent.start({
      dir: `${network.dir}/channels-${name}`, signer: createLocalSigner(fromHex(wallet.privateKey, 32)), desk: await ChannelDesk.connect(client, wallet), core: home, pollMs: 100,
      answer: async (request) => bytes(text(request).toUpperCase()), onNotice: (notice) => notices.push(notice), ...options,
    });
    return { wallet, client, home, agent, notices };
  }
  const balance = async ({ client, wallet }: Party): Promise<number> => (await client.account(wallet.address))!.balance;
  const code = async (promise: Promise<unknown>): Promise<string> => promise.then(() => "none", (error: { code?: string }) => String(error.code));
  const transactions = (): Promise<number[]> => Promise.all([alice, bob].map(({ wallet }) => provider.getTransactionCount(wallet.address)));
  async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (const endMs = Date.now() + 30_000; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 50))) {
      if (Date.now() > endMs) throw new Error(`${what}: not after 30 s; ${JSON.stringify([...alice.notices, ...bob.notices], (_name, value: unknown) => (value instanceof Error ? value.message : value))}`);
    }
  }
  async function open(): Promise<AgentChannel> {
    const channel = await alice.agent.openInCore({ partner: bob.wallet.address, peerAddress: bob.agent.listening!, deposit: "0.5", windowSeconds: WINDOW_SECONDS, isShortWindowAllowed: true });
    await channel.ready();
    return channel;
  }

  before(async () => {
    network = await startLocalNetwork();
    provider = new JsonRpcProvider(network.l1Url, network.chain.chainId, { staticNetwork: true, pollingInterval: 50, cacheTimeout: -1, batchMaxCount: 1 });
    [alice, bob] = [await party("alice"), await party("bob", { listen: "tls://127.0.0.1:0" })];
  });
  after(async () => {
    for (const each of [alice, bob]) {
      await each?.agent.stop();
      await each?.client.close();
    }
    provider?.destroy();
    await network?.stop();
  });

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
