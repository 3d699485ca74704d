import type { Wallet } from "ethers";

import { fromHex } from "../../core/codec/hex.ts";
import { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import { CoreChannelDesk } from "../../sdk/channels/CoreChannelDesk.ts";
import { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import { CoreHome } from "../../sdk/node/channels/home/CoreHome.ts";
import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { readContracts } from "../../bench/sidecar/readContracts.ts";
import type { SidecarMarket } from "./sidecarMarket.ts";

/** What a folder of channels holds, over all of them: net of what failed and of what has no answer yet; in units. */
export interface ChannelSums {
  readonly agent: ChannelAgent;
  readonly paidUnits: number;
  /** Of calls of this side that have no answer here. */
  readonly openUnits: number;
  readonly earnedUnits: number;
  readonly calls: number;
  stop(): Promise<void>;
}

/** Opens the folders of sidecars that were stopped, to read what their channels say. */
export async function openChannels(market: SidecarMarket, owners: readonly { readonly dir: string; readonly wallet: Wallet }[]): Promise<ChannelSums[]> {
  const { deployment, adjudicator } = readContracts(market.network.deploymentFile);
  const opened = await Promise.all(owners.map(async ({ dir, wallet }) => {
    const client = new Agnt2Client({ sequencerUrl: market.network.sequencerUrl, apiUrl: market.network.apiUrl, deployment });
    const core = new CoreHome(new CoreChannelDesk(await client.agent({ signer: createKeySigner(wallet.privateKey), windowMs: 0 })), market.provider);
    const agent = await ChannelAgent.start({ dir, signer: createLocalSigner(fromHex(wallet.privateKey, 32)), desk: await ChannelDesk.connect(adjudicator, wallet), core });
    return { agent, client };
  }));
  return opened.map(({ agent, client }) => {
    const statuses = agent.channels.map(({ channel }) => channel.status());
    const sum = (of: (status: (typeof statuses)[number]) => number): number => statuses.reduce((total, status) => total + of(status), 0);
    return {
      agent,
      paidUnits: sum(({ outgoing }) => outgoing.paid - outgoing.credit - outgoing.openUnits),
      openUnits: sum(({ outgoing }) => outgoing.openUnits),
      earnedUnits: sum(({ incoming }) => incoming.paid - incoming.credit - incoming.openUnits),
      calls: sum(({ outgoing }) => outgoing.sequence),
      stop: async () => {
        await agent.stop();
        await client.close();
      },
    };
  });
}
