import { readFileSync } from "node:fs";

import { JsonRpcProvider, Wallet } from "ethers";

import { fromHex } from "../../core/codec/hex.ts";
import { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import { CoreChannelDesk } from "../../sdk/channels/CoreChannelDesk.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { L1Account } from "../../sdk/L1Account.ts";
import type { AgentChannel, Answer } from "../../sdk/node/channels/AgentChannel.ts";
import { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import type { ChannelNotice } from "../../sdk/node/channels/ChannelAgent.ts";
import { CoreHome } from "../../sdk/node/channels/home/CoreHome.ts";
import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import type { ChannelSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { startLocalNetwork } from "./localNetwork.ts";
import type { LocalNetworkForTests } from "./localNetwork.ts";

const FAUCET_MS = 30_000;
const GIFT_WEI = 5n * 10n ** 18n;

/** An agent with money in Layer Core and a channel agent of its own. */
export interface CoreChannelParty {
  readonly wallet: Wallet;
  readonly client: Agnt2Client;
  readonly l1: L1Account;
  readonly desk: ChannelDesk;
  readonly home: CoreHome;
  readonly signer: ChannelSigner;
  readonly agent: ChannelAgent;
  readonly notices: ChannelNotice[];
}

/** A local network with two agents who hold channels inside Layer Core. */
export interface CoreChannelStage {
  readonly network: LocalNetworkForTests;
  readonly provider: JsonRpcProvider;
  readonly alice: CoreChannelParty;
  /** Listens. */
  readonly bob: CoreChannelParty;
  /** Of Alice with Bob, with a deposit of 0.5 ETH, ready for calls. */
  open(windowSeconds: number): Promise<AgentChannel>;
  stop(): Promise<void>;
}

async function createParty(network: LocalNetworkForTests, provider: JsonRpcProvider, name: string, answer: Answer, options: { listen?: string } = {}): Promise<CoreChannelParty> {
  const deployment = JSON.parse(readFileSync(network.deploymentFile, "utf8")) as { contracts: { adjudicator: string } };
  const client = new Agnt2Client({ sequencerUrl: network.sequencerUrl, apiUrl: network.apiUrl, deployment });
  const wallet = Wallet.createRandom(provider) as unknown as Wallet;
  await new HttpService(network.faucetUrl, { timeoutMs: FAUCET_MS }).postJson("/v1/faucet", { address: wallet.address, amountBase: String(GIFT_WEI) });
  const l1 = await L1Account.connect(client, wallet);
  await l1.credited(await l1.deposit("2"));
  const home = new CoreHome(new CoreChannelDesk(await client.agent({ signer: createKeySigner(wallet.privateKey), windowMs: 0 })), provider);
  const [desk, signer] = [await ChannelDesk.connect(client, wallet), createLocalSigner(fromHex(wallet.privateKey, 32))];
  const notices: ChannelNotice[] = [];
  const agent = await ChannelAgent.start({ dir: `${network.dir}/channels-${name}`, signer, desk, core: home, pollMs: 100, answer, onNotice: (notice) => notices.push(notice), ...options });
  return { wallet, client, l1, desk, home, signer, agent, notices };
}

/** @param answer of both, to what they are asked */
export async function startCoreChannelStage(answer: Answer): Promise<CoreChannelStage> {
  const network = await startLocalNetwork();
  const provider = new JsonRpcProvider(network.l1Url, network.chain.chainId, { staticNetwork: true, pollingInterval: 50, cacheTimeout: -1, batchMaxCount: 1 });
  const alice = await createParty(network, provider, "alice", answer);
  const bob = await createParty(network, provider, "bob", answer, { listen: "tls://127.0.0.1:0" });
  return {
    network, provider, alice, bob,
    async open(windowSeconds) {
      const channel = await alice.agent.openInCore({ partner: bob.wallet.address, peerAddress: bob.agent.listening!, deposit: "0.5", windowSeconds, isShortWindowAllowed: true });
      await channel.ready();
      return channel;
    },
    async stop() {
      for (const { agent, client } of [alice, bob]) {
        await agent.stop();
        await client.close();
      }
      provider.destroy();
      await network.stop();
    },
  };
}
