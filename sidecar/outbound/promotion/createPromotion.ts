import { toError } from "../../../runtime/errors/CodedError.ts";
import { PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import type { FetchPolicy } from "../../../runtime/fetch/FetchPolicy.ts";
import type { ChannelRequirement } from "../../../sdk/index.ts";
import type { AgentChannel, ChannelAgent, ChannelSummary } from "../../../sdk/node/index.ts";
import type { Receipt } from "../Receipt.ts";
import { checkPeerAddress } from "./checkPeerAddress.ts";
import { backoffMs, decidePromotion } from "./decidePromotion.ts";
import type { ChannelView, PairState, PromotionAction, PromotionPolicy } from "./PromotionPolicy.ts";
import { SlidingCount } from "./SlidingCount.ts";

/** Sellers that are watched at once; beyond it those that were paid longest ago are forgotten (their channels are not). */
const MOST_PAIRS = 4_096;
const CLOSE_MS = 20_000;
/** Who opens a channel is its party A. */
const OPENER = 0;
/** A channel that the chain does not know after so long never was opened: its transaction failed. */
const NEW_MS = 600_000;
/** How long the choice among a pair's channels stands. */
const CHOICE_MS = 200;
const FINISH_MS = 60_000;

export interface PromotionOptions {
  /** Its channels in which this side is the one that opened are opened, filled and closed here; nobody else should. */
  readonly agent: Pick<ChannelAgent, "channels" | "open" | "address">;
  /** By asset, lower case; the zero address for ETH. Assets without one get no channels. */
  readonly policies: Readonly<Record<string, PromotionPolicy>>;
  /** Who may get a channel, by address. Default: whoever may be paid. */
  readonly agents?: readonly string[] | undefined;
  /** How long a partner has to answer a close. Default: the agent's. */
  readonly windowSeconds?: number | undefined;
  /** Where sellers may say that they listen. Default: `PUBLIC_POLICY`. */
  readonly policy?: FetchPolicy | undefined;
  /** Default 5 s. */
  readonly everyMs?: number;
  readonly now?: () => number;
  readonly onEvent?: ((event: PromotionEvent) => void) | undefined;
}

export type PromotionEvent =
  | { readonly kind: "opened" | "deposited" | "closed" | "ended-alone"; readonly payee: string; readonly asset: string; readonly channelId: string }
  | { readonly kind: "failed"; readonly payee: string; readonly asset: string; readonly action: PromotionAction["kind"]; readonly error: Error };

interface Pair {
  readonly payee: string;
  readonly asset: string;
  readonly calls: SlidingCount;
  peer: string | undefined;
  unit: bigint;
  price: bigint;
  failures: number;
  nextTryMs: number;
}

/** Moves pairs that talk a lot to channels, and back. */
export interface Promotion {
  /** The channel that pays an agent; undefined: none that is ready. For `createChannelBuyerWay`. */
  channelTo(payee: string, asset: string): AgentChannel | undefined;
  /** For `createChannelBuyerWay`: a seller offers channels. */
  wanted(asked: ChannelRequirement): void;
  /** For each receipt that was paid. */
  paid(receipt: Receipt): void;
  /** Looks at every pair now, and does at most one thing. @returns what was done */
  turn(): Promise<PromotionAction["kind"]>;
  start(): void;
  stop(): Promise<void>;
}

function keyOf(payee: string, asset: string): string {
  return `${payee}/${asset}`;
}

/**
 * Nothing is kept between starts but the channels themselves, which the agent finds again in its own book: how busy a pair is, is seen
 * within the window, and what is locked is counted from the channels.
 */
export function createPromotion(options: PromotionOptions): Promotion {
  const { agent, policies, policy = PUBLIC_POLICY, everyMs = 5_000, now = Date.now, onEvent = () => undefined } = options;
  const allowed = options.agents === undefined ? undefined : new Set(options.agents.map((address) => address.toLowerCase()));
  const pairs = new Map<string, Pair>();
  const usedAt = new Map<string, number>();
  const firstSeen = new Map<string, number>();
  /** Calls that came from the partner. */
  const received = new Map<string, number>();
  /** Our part of each channel's deposits. */
  const deposits = new Map<string, bigint>();
  /** What our part of a channel comes to when a transaction that was begun is in a block; whatever was heard of it here, it may still come. */
  const expected = new Map<string, { readonly amount: bigint; readonly untilMs: number }>();
  /** Those that this process is closing. */
  const ending = new Set<string>();
  let working: Promise<PromotionAction["kind"]> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function pairOf(payee: string, asset: string): Pair | undefined {
    const rules = policies[asset];
    if (rules === undefined || (allowed !== undefined && !allowed.has(payee))) return undefined;
    const key = keyOf(payee, asset);
    let pair = pairs.get(key);
    if (pair === undefined) {
      pair = { payee, asset, calls: new SlidingCount(rules.windowMs), peer: undefined, unit: 1n, price: 0n, failures: 0, nextTryMs: 0 };
      if (pairs.size >= MOST_PAIRS) pairs.delete(pairs.keys().next().value!);
    } else pairs.delete(key);
    // The one that was paid last is the last to be forgotten.
    pairs.set(key, pair);
    return pair;
  }

  function isOurs(channel: AgentChannel): boolean {
    return channel.side === OPENER;
  }

  function phaseOf(channel: AgentChannel): ChannelView["phase"] {
    const { phase } = channel.channel.status();
    if (ending.has(channel.channelId) || phase === "frozen" || phase === "stopping") return "ending";
    return channel.channel.isConnected && phase === "open" ? "open" : "away";
  }

  const choices = new Map<string, { readonly channel: AgentChannel | undefined; readonly atMs: number }>();

  function choose(payee: string, asset: string): AgentChannel | undefined {
    let best: AgentChannel | undefined;
    for (const channel of agent.channels) {
      if (channel.partner !== payee || channel.assetAddress !== asset || phaseOf(channel) !== "open") continue;
      if (best === undefined || channel.channel.status().capacityUnits > best.channel.status().capacityUnits) best = channel;
    }
    return best;
  }

  function channelTo(payee: string, asset: string): AgentChannel | undefined {
    const key = keyOf(payee, asset);
    const known = choices.get(key);
    const isFresh = known !== undefined && performance.now() - known.atMs < CHOICE_MS;
    if (isFresh && known.channel?.channel.isConnected !== false && !ending.has(known.channel?.channelId ?? "")) return known.channel;
    const channel = choose(payee, asset);
    if (choices.size >= MOST_PAIRS) choices.clear();
    choices.set(key, { channel, atMs: performance.now() });
    return channel;
  }

  /** Our part of a channel's deposits, with what may be on its way: the limits stand for both. */
  function partOf({ channelId, asset, assetAddress, side }: AgentChannel, { depositA, depositB, status }: ChannelSummary): bigint {
    const shown = BigInt(side === OPENER ? depositA : depositB) * asset.assetScale;
    // One that the chain does not know yet is opened with no more than this.
    const opening = status === undefined ? { amount: policies[assetAddress]?.deposit ?? 0n, untilMs: (firstSeen.get(channelId) ?? now()) + NEW_MS } : undefined;
    const coming = expected.get(channelId) ?? opening;
    if (coming !== undefined && shown < coming.amount && now() < coming.untilMs) return coming.amount;
    expected.delete(channelId);
    return shown;
  }

  async function viewOf(channel: AgentChannel): Promise<ChannelView> {
    const { channelId, asset } = channel;
    const summary = await channel.status();
    const net = partOf(channel, summary);
    deposits.set(channelId, net);
    const { capacityUnits, outgoing, incoming } = summary.engine;
    // A partner that buys from this side uses the channel too.
    const isNew = (received.get(channelId) ?? incoming.sequence) !== incoming.sequence;
    received.set(channelId, incoming.sequence);
    const since = isNew ? now() : (usedAt.get(channelId) ?? now());
    usedAt.set(channelId, since);
    const phase = summary.status === "open" ? phaseOf(channel) : summary.status === undefined ? "new" : "ending";
    return { phase, capacity: BigInt(capacityUnits) * asset.assetScale, deposited: net, usedAtMs: since, openCalls: outgoing.openCalls };
  }

  function depositedInAll(asset: string): bigint {
    const ours = agent.channels.filter((channel) => isOurs(channel) && channel.assetAddress === asset);
    const ids = new Set(ours.map(({ channelId }) => channelId));
    for (const id of deposits.keys()) {
      if (ids.has(id) || agent.channels.some(({ channelId }) => channelId === id)) continue;
      deposits.delete(id);
      usedAt.delete(id);
      firstSeen.delete(id);
      received.delete(id);
      expected.delete(id);
    }
    return ours.reduce((sum, { channelId }) => sum + (deposits.get(channelId) ?? 0n), 0n);
  }

  async function stateOf(pair: Pair, channel: AgentChannel | undefined): Promise<PairState> {
    const view = channel === undefined ? undefined : await viewOf(channel);
    return {
      nowMs: now(), recentCalls: pair.calls.total(now()), isOffered: pair.peer !== undefined, price: pair.price, channel: view,
      depositedInAll: depositedInAll(pair.asset), isBusy: false, failures: pair.failures, nextTryMs: pair.nextTryMs,
    };
  }

  async function perform(action: PromotionAction, pair: Pair, channel: AgentChannel | undefined): Promise<void> {
    const { payee, asset } = pair;
    if (action.kind === "open") {
      const peerAddress = await checkPeerAddress(pair.peer!, policy);
      const unit = pair.unit <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(pair.unit) : 1e9;
      const opened = await agent.open({ partner: payee, peerAddress, deposit: action.deposit - (action.deposit % BigInt(unit)), unit, asset, ...(options.windowSeconds === undefined ? {} : { windowSeconds: options.windowSeconds }) });
      deposits.set(opened.channelId, action.deposit);
      usedAt.set(opened.channelId, now());
      onEvent({ kind: "opened", payee, asset, channelId: opened.channelId });
      return;
    }
    const { channelId, asset: { assetScale } } = channel!;
    if (action.kind === "deposit") {
      expected.set(channelId, { amount: (deposits.get(channelId) ?? 0n) + action.amount, untilMs: now() + NEW_MS });
      await channel!.deposit(action.amount - (action.amount % assetScale));
      onEvent({ kind: "deposited", payee, asset, channelId });
      return;
    }
    ending.add(channelId);
    try {
      if (action.kind === "close") {
        await channel!.close(CLOSE_MS);
        onEvent({ kind: "closed", payee, asset, channelId });
      } else {
        await channel!.dispute();
        onEvent({ kind: "ended-alone", payee, asset, channelId });
      }
    } finally {
      // Where the close failed it is decided anew; where it came through the chain says so.
      ending.delete(channelId);
    }
  }

  /** Closes that were asked for and are due, on the contract, are paid out. */
  async function finishDue(): Promise<void> {
    for (const channel of agent.channels) {
      if (!isOurs(channel) || isStopped) continue;
      const { status, deadline } = await channel.status();
      if (status === "closing" && deadline !== undefined && now() / 1000 >= deadline) await channel.finish(FINISH_MS);
    }
  }

  async function work(): Promise<PromotionAction["kind"]> {
    await finishDue().catch((error: unknown) => onEvent({ kind: "failed", payee: "", asset: "", action: "end-alone", error: toError(error) }));
    const channels: AgentChannel[] = [];
    for (const channel of agent.channels.filter(isOurs)) {
      const seen = firstSeen.get(channel.channelId) ?? now();
      firstSeen.set(channel.channelId, seen);
      if (now() - seen < NEW_MS || (await channel.status()).status !== undefined) channels.push(channel);
      else deposits.delete(channel.channelId);
    }
    for (const channel of channels) {
      pairOf(channel.partner, channel.assetAddress);
      // The limit is on all together: after a start none may be missing from the sum.
      if (!deposits.has(channel.channelId)) await viewOf(channel);
    }
    for (const pair of [...pairs.values()]) {
      if (isStopped) return "none";
      const rules = policies[pair.asset]!;
      // Of several the fullest is the one that is used; the others are idle, and close one by one.
      const ofPair = channels.filter((each) => each.partner === pair.payee && each.assetAddress === pair.asset);
      for (const channel of ofPair.length === 0 ? [undefined] : ofPair) {
        let action: PromotionAction = { kind: "none" };
        try {
          action = decidePromotion(rules, await stateOf(pair, channel));
          if (action.kind === "none") continue;
          await perform(action, pair, channel);
          pair.failures = 0;
        } catch (error) {
          pair.failures += 1;
          pair.nextTryMs = now() + backoffMs(rules, pair.failures);
          onEvent({ kind: "failed", payee: pair.payee, asset: pair.asset, action: action.kind, error: toError(error) });
        }
        return action.kind;
      }
    }
    return "none";
  }

  function turn(): Promise<PromotionAction["kind"]> {
    working ??= work().finally(() => (working = undefined));
    return working;
  }

  function schedule(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      turn().then(schedule, (error: unknown) => {
        onEvent({ kind: "failed", payee: "", asset: "", action: "none", error: toError(error) });
        schedule();
      });
    }, everyMs);
  }

  return {
    channelTo,
    wanted: (asked) => {
      const pair = pairOf(asked.payTo.toLowerCase(), asked.asset.toLowerCase());
      if (pair === undefined) return;
      pair.peer = asked.peer;
      pair.unit = asked.unit;
      pair.price = asked.amount;
    },
    paid: ({ payee, asset, amount, way, key }) => {
      if (way === "channel") usedAt.set(key.split(":")[1]!, now());
      // The asset that is paid in may be another than a channel's would be: what counts is that the two talk.
      for (const of of Object.keys(policies)) {
        const pair = way === "channel" ? (of === asset ? pairOf(payee, of) : undefined) : pairs.get(keyOf(payee, of));
        if (pair === undefined) continue;
        pair.calls.add(now());
        if (way === "channel") pair.price = amount;
      }
    },
    turn,
    start: schedule,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      // Whoever asked for this turn hears of its failure; what is stopped after this must be.
      await Promise.allSettled([working]);
    },
  };
}
