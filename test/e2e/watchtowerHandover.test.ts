import { join } from "node:path";

import { expect } from "chai";
import { JsonRpcProvider, Wallet } from "ethers";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import type { ChannelAgentOptions, ChannelNotice } from "../../sdk/node/channels/ChannelAgent.ts";
import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { testKey } from "../builders/towerChannel.ts";
import { TowerNetwork } from "../builders/towerNetwork.ts";
import { until } from "../builders/until.ts";
import { TowerProcess } from "../builders/TowerProcess.ts";

const GWEI = 1_000_000_000;
const PRICE_UNITS = 1_000_000;
const DAY_SECONDS = 86_400;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("watchtower: an agent hands its channels over by itself", function () {
  this.timeout(120_000);
  let network: TowerNetwork;
  let tower: TowerProcess;
  let provider: JsonRpcProvider;
  const agents = new Set<ChannelAgent>();

  before(async () => {
    network = await TowerNetwork.start("anvil");
    await network.bondTower("handover");
    tower = new TowerProcess(network, "handover");
    await tower.start();
    provider = new JsonRpcProvider(network.chain.url, network.chain.chainId, { staticNetwork: true, pollingInterval: 50, cacheTimeout: -1, batchMaxCount: 1 });
  });
  afterEach(async function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${tower.output.slice(-4_000)}\n`);
    for (const agent of agents) await agent.stop();
    agents.clear();
  });
  after(async () => {
    provider?.destroy();
    await tower?.stop();
    await network?.stop();
  });

  async function enter(name: string, options: Partial<ChannelAgentOptions> = {}): Promise<{ agent: ChannelAgent; notices: ChannelNotice[] }> {
    const { wallet } = testKey(name);
    await network.fund(wallet.address);
    const notices: ChannelNotice[] = [];
    const agent = await ChannelAgent.start({
      dir: join(network.dir, name), signer: createLocalSigner(fromHex(wallet.privateKey, 32)), pollMs: 100,
      desk: await ChannelDesk.connect(toHex(network.domain.adjudicator), new Wallet(wallet.privateKey, provider)),
      onNotice: (notice) => notices.push(notice), ...options,
    });
    agents.add(agent);
    return { agent, notices };
  }
  const answer = async (request: Uint8Array): Promise<Uint8Array> => request;
  const towersAt = (...urls: string[]): Pick<ChannelAgentOptions, "towers"> => ({ towers: { urls, towerBond: toHex(network.domain.towerBond), everyMs: 200 } });

  it("victim offline: the tower answers a cheater with the newest state, which the agent gave it without being told to", async () => {
    const victim = await enter("victim", { listen: "tls://127.0.0.1:0", answer, ...towersAt(tower.url) });
    const cheater = await enter("cheater", { isGuarding: false });
    const channel = await cheater.agent.open({ partner: victim.agent.address, peerAddress: victim.agent.listening!, deposit: "1", windowSeconds: DAY_SECONDS });
    await channel.ready();
    const old = channel.evidence();
    for (let i = 0; i < 10; i += 1) await channel.call(bytes(`call ${i}`), "0.001");
    expect(await channel.rebase()).to.equal(1);
    await channel.ready();
    await Promise.all(Array.from({ length: 50 }, (_, i) => channel.call(bytes(`call ${i}`), "0.001")));
    const own = victim.agent.channel(channel.channelId);
    await until("the tower has the newest state", async () => (await own.status()).towers.every(({ isNewest }) => isNewest));
    const [cover] = (await own.status()).towers;
    expect(cover!.covered).to.deep.equal({ version: 1, sequence: 60, paid: 60 * PRICE_UNITS });
    expect(cover!.until).to.be.greaterThan(Date.now() / 1000 + 29 * DAY_SECONDS);

    // The last calls come just before it goes: it hands them over as it leaves.
    await Promise.all(Array.from({ length: 5 }, (_, i) => channel.call(bytes(`late ${i}`), "0.001")));
    await victim.agent.stop();
    await network.skip(10);
    await cheater.agent.desk.challenge(channel.config, 0, old);
    const paid = async (): Promise<number> => Number((await network.adjudicator.recordedOf(channel.channelId)).paidByA);
    await until("the close is answered", async () => (await paid()) === 65 * PRICE_UNITS);
    await network.skip(DAY_SECONDS + 1);
    expect(await channel.finish()).to.include({ isUnilateral: true, shareA: GWEI - 65 * PRICE_UNITS, shareB: 65 * PRICE_UNITS });
    expect(victim.notices.filter(({ kind }) => kind === "tower-alarm")).to.deep.equal([]);

    const again = await enter("victim", towersAt(tower.url));
    await until("the victim sees the end", () => again.notices.some(({ kind }) => kind === "settled"));
  });

  it("tower down: is an alarm, and calls go on; the receipts of the other one are known after a restart", async () => {
    const down = "http://127.0.0.1:9";
    const seller = await enter("seller", { listen: "tls://127.0.0.1:0", answer, ...towersAt(down, tower.url) });
    const buyer = await enter("buyer");
    const channel = await buyer.agent.open({ partner: seller.agent.address, peerAddress: seller.agent.listening!, deposit: "1", windowSeconds: DAY_SECONDS });
    await channel.ready();
    await channel.call(bytes("one"), "0.001");
    const own = seller.agent.channel(channel.channelId);
    await until("the other tower has it", async () => (await own.status()).towers[1]!.isNewest);
    await until("the alarm", () => seller.notices.some(({ kind }) => kind === "tower-alarm"));
    await channel.call(bytes("two"), "0.001");
    const [dead] = (await own.status()).towers;
    expect(dead).to.deep.include({ url: down, isNewest: false, covered: undefined });
    expect(dead!.trouble!.code).to.equal("SDK_UNREACHABLE");
    expect(seller.notices.filter(({ kind }) => kind === "tower-alarm")).to.have.length(1);
    await seller.agent.stop();
    const again = await enter("seller", towersAt(tower.url));
    const [cover] = (await again.agent.channel(channel.channelId).status()).towers;
    expect(cover).to.deep.include({ isNewest: true, covered: { version: 0, sequence: 2, paid: 2 * PRICE_UNITS } });
  });
});
