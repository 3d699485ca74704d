import { join } from "node:path";

import { LOCAL_POLICY, PUBLIC_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import type { FetchPolicy } from "../../runtime/fetch/FetchPolicy.ts";
import { networkOf, toBaseUnits } from "../../sdk/index.ts";
import type { AgentChannel, ChannelAgent } from "../../sdk/node/index.ts";
import type { SidecarSettings } from "../config.ts";
import type { OpenChain } from "../identity/openChain.ts";
import { createAuthorizationReader, createBuyer, createCallBuyerWay, createChannelBuyerWay, createExactBuyerWay, createForwardProxy, createGateway, createPromotion, createSessionKeyCheck, DEFAULT_PROMOTION } from "../outbound/index.ts";
import type { AssetLimits, Buyer, BuyerEvent, BuyerWay, ForwardProxy, Gateway, Promotion, PromotionEvent } from "../outbound/index.ts";
import type { FoundAgent } from "./findAgent.ts";
import type { TokenBook } from "./TokenBook.ts";

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

const isAgentId = (text: string): boolean => /^\d{1,78}$/.test(text);

export interface BuyingOptions {
  readonly settings: SidecarSettings;
  readonly chain: OpenChain;
  readonly tokens: TokenBook;
  /** The agent's channels, once they are served. */
  readonly channels: () => ChannelAgent | undefined;
  /** Where an agent of the registry is, and who it is; undefined when it cannot be found. */
  readonly resolve: (agentId: bigint) => Promise<FoundAgent | undefined>;
  readonly onEvent: (event: BuyerEvent) => void;
  readonly onPromotion: (event: PromotionEvent) => void;
}

export interface Buying {
  readonly buyer: Buyer;
  readonly gateway: Gateway | undefined;
  readonly proxy: ForwardProxy | undefined;
  stop(): Promise<void>;
}

/** Budgets, of the chain's asset and of each token: the same numbers of whole units. */
function limitsOf({ settings, chain, tokens }: BuyingOptions): AssetLimits[] {
  const { buyMaxPerCall, buyPerDay, buyPerHost, buyAssets } = settings;
  const network = networkOf(chain.economy.chainId);
  const { asset } = chain.chain;
  const units = [{ asset: asset.address ?? ZERO_ADDRESS, decimals: asset.decimals }, ...buyAssets.map((token) => ({ asset: token, decimals: tokens.get(token)!.decimals }))];
  return units.map(({ asset: address, decimals }) => ({
    network, asset: address, maxPerCall: toBaseUnits(buyMaxPerCall, { decimals }), perDay: toBaseUnits(buyPerDay, { decimals }), perHostPerDay: toBaseUnits(buyPerHost ?? buyPerDay, { decimals }),
  }));
}

/** What the service buys with: a fetch, and where they are asked for a gateway and a forward proxy. */
export async function startBuying(options: BuyingOptions): Promise<Buying> {
  const { settings, tokens, onEvent, resolve } = options;
  await tokens.learn(settings.buyAssets);
  const agents = await namedAgents(settings, resolve);
  const hosts = [...settings.buyAllow, ...Object.values(agents).map(({ url }) => new URL(url).host)];
  const policy = settings.localTargets ? LOCAL_POLICY : PUBLIC_POLICY;
  const payees = new Map(Object.values(agents).filter(({ address }) => address !== undefined).map(({ url, address }) => [new URL(url).origin, address!]));
  const promotion = promotionOf(options, policy);
  const buyer = createBuyer({
    dir: join(settings.dataDir, "buyer"),
    limits: limitsOf(options),
    ways: [...channelWay(options, promotion), createCallBuyerWay({ agent: options.chain.agent }), ...exactWay(options)],
    payer: options.chain.key.address,
    hosts,
    policy,
    // The operator's own word may lead to this network; where the registry says that an agent is, may not.
    privateOrigins: settings.buyAgents.filter(({ target }) => !isAgentId(target)).map(({ target }) => new URL(target).origin),
    payeeOf: (url) => payees.get(url.origin),
    maxReceipts: settings.keepReceipts,
    onEvent(event) {
      if (event.kind === "paid") promotion?.paid(event.receipt);
      onEvent(event);
    },
  });
  promotion?.start();
  let gateway: Gateway | undefined;
  let proxy: ForwardProxy | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([gateway?.stop(), proxy?.stop()]);
    await promotion?.stop();
    await buyer.stop();
  };
  try {
    const local = { host: settings.localHost, ...(settings.buyToken === undefined ? {} : { token: settings.buyToken }) };
    if (settings.gatewayPort !== undefined) {
      // Other agents by their id in the registry, as far as the allowed hosts go.
      const resolver = { resolve: async (name: string) => (isAgentId(name) ? resolve(BigInt(name)) : undefined) };
      gateway = await createGateway({ buyer, agents, resolver, port: settings.gatewayPort, allowedHosts: settings.localHosts, ...local });
    }
    if (settings.proxyPort !== undefined) proxy = await createForwardProxy({ buyer, port: settings.proxyPort, hosts, policy, ...local });
  } catch (error) {
    await stop();
    throw error;
  }
  return { buyer, gateway, proxy, stop };
}

/** Opens channels to sellers that are paid often, with its own limits. */
function promotionOf({ settings, chain, channels, onPromotion }: BuyingOptions, policy: FetchPolicy): Promotion | undefined {
  const { promoteDeposit, promoteInAll, promoteCalls, promoteMs, promoteWindowSeconds, demoteMs } = settings;
  if (promoteDeposit === undefined || chain.key.channelSigner === undefined) return undefined;
  const { asset } = chain.chain;
  const deposit = toBaseUnits(promoteDeposit, asset);
  const inAll = promoteInAll === undefined ? 10n * deposit : toBaseUnits(promoteInAll, asset);
  const rules = { ...DEFAULT_PROMOTION, calls: promoteCalls, windowMs: promoteMs, demoteMs, deposit, maxPerChannel: inAll, maxInAll: inAll };
  return createPromotion({
    agent: {
      address: chain.key.address,
      get channels() {
        return channels()?.channels ?? [];
      },
      open(request) {
        const agent = channels();
        return agent === undefined ? Promise.reject(new Error("the channels are not up yet")) : agent.open({ unit: Number(asset.assetScale), ...request });
      },
    },
    policies: { [(asset.address ?? ZERO_ADDRESS).toLowerCase()]: rules },
    policy,
    ...(promoteWindowSeconds === undefined ? {} : { windowSeconds: promoteWindowSeconds }),
    onEvent: onPromotion,
  });
}

function channelWay({ chain, channels }: BuyingOptions, promotion: Promotion | undefined): BuyerWay[] {
  const { adjudicator } = chain.chain.contracts;
  if (adjudicator === undefined || chain.key.channelSigner === undefined) return [];
  // Channels that a person has opened are used too.
  const opened = (payee: string, asset: string): AgentChannel | undefined => channels()?.channels.find((channel) => channel.partner === payee && channel.assetAddress === asset);
  return [createChannelBuyerWay({
    chainId: chain.economy.chainId, adjudicator, channelTo: promotion === undefined ? opened : (payee, asset) => promotion.channelTo(payee, asset),
    channels: () => channels()?.channels ?? [],
    ...(promotion === undefined ? {} : { onWanted: (asked) => promotion.wanted(asked) }),
  })];
}

function exactWay({ settings, chain }: BuyingOptions): BuyerWay[] {
  if (settings.buyAssets.length === 0) return [];
  const { key, economy } = chain;
  const account = key.connectL1(chain.provider);
  const signer: Parameters<typeof createExactBuyerWay>[0]["signer"] = {
    address: key.address,
    signTypedData: ({ domain, types, message }) => {
      const { EIP712Domain: _domain, ...rest } = types as Record<string, { name: string; type: string }[]>;
      return account.signTypedData(domain, rest, message);
    },
  };
  return [createExactBuyerWay({ signer, reader: createAuthorizationReader({ [networkOf(economy.chainId)]: settings.l1 }), isSignerOf: createSessionKeyCheck(chain.client) })];
}

/** The agents that the settings name, with their addresses where the registry knows them. */
async function namedAgents({ buyAgents }: SidecarSettings, resolve: BuyingOptions["resolve"]): Promise<Record<string, { readonly url: string } & Partial<FoundAgent>>> {
  const found = await Promise.all(buyAgents.map(async ({ name, target }) => {
    if (!isAgentId(target)) return [name, { url: target }] as const;
    const agent = await resolve(BigInt(target));
    return agent === undefined ? undefined : ([name, agent] as const);
  }));
  return Object.fromEntries(found.filter((each) => each !== undefined));
}
