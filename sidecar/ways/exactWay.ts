import type { FacilitatorClient } from "@x402/core/server";
import type { Network, PaymentPayload, PaymentRequirements, SettleResponse } from "@x402/core/types";
import { getAddress, isAddress } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import type { Clock } from "../../runtime/clock/Clock.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { findAuthorization, isAuthorizationUsed, parseAuthorization, readPayment } from "../../sdk/index.ts";
import type { AuthorizationFate, SignedAuthorization } from "../../sdk/index.ts";
import { SidecarError } from "../SidecarError.ts";
import { createFacilitatorClient } from "./facilitatorClient.ts";
import { readTokenDomain } from "./readTokenDomain.ts";
import type { TokenDomain } from "./readTokenDomain.ts";
import type { OfferedPayment, SettledPayment, VerifiedPayment, Way, WayPrice } from "./Way.ts";

/** A token that is taken. What buyers sign under is read from the token where it is not named. */
export interface ExactAsset {
  readonly asset: string;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
}

export interface ExactWayOptions {
  readonly chainId: number;
  /** Whom payments go to. No two ledgers may share it: each would serve for the other's payments. */
  readonly payTo: string;
  readonly assets: readonly ExactAsset[];
  readonly facilitatorUrl: string;
  /** Sent with every request to it. */
  readonly facilitatorHeaders?: Readonly<Record<string, string>>;
  /** L1, for what a facilitator could lie about, and for what it leaves open. */
  readonly provider: JsonRpcApiProvider;
  /** Believe a facilitator that says settled, without a look at L1. Default false. */
  readonly trustFacilitator?: boolean;
  /** Blocks that must hold a payment, its own counted. Default 1. */
  readonly confirmations?: number;
  /** How far clocks may differ. Default 5 s. */
  readonly clockSkewSeconds?: number;
  readonly verifyTimeoutMs?: number;
  readonly settleTimeoutMs?: number;
  /** How long the chain is asked what became of a payment once the facilitator has answered, or not. Default 10 s, and 15 s for each further confirmation. */
  readonly findMs?: number;
  /** Pause between two looks at the facilitator. Default 5 s. */
  readonly probeMs?: number;
  /** Pause between two looks at the chain meanwhile. Default 500 ms. */
  readonly findPauseMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** A way with a life: it asks the facilitator now and then whether it is there. */
export interface ExactWay extends Way {
  /** Looks at the facilitator once, and goes on looking. Resolves also when it is away. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const DEFAULTS = { confirmations: 1, clockSkewSeconds: 5, verifyTimeoutMs: 10_000, settleTimeoutMs: 30_000, findMs: 10_000, probeMs: 5_000, findPauseMs: 500 };
/** Facilitators refuse what ends sooner: there would be no block for it. */
const LEAST_LIFE_SECONDS = 6;
/** Buyers sign for no longer than this, however much time they are given. */
const USUAL_LIFE_SECONDS = 300;
/** Of a payment's life, what may have gone by when it comes. */
const ON_ITS_WAY_SECONDS = 60;
/** A payment is remembered for as long as it could be played, so it may not live much longer than it was asked to. */
const MAX_EXTRA_LIFE_SECONDS = 3_600;
const RETRY_AFTER_SECONDS = 5;
const MAX_PAUSE_MS = 4_000;
/** The longest that a block usually takes. */
const BLOCK_MS = 15_000;
/** So long after its time no block that is still made can hold a payment, whatever clocks say. */
const EXPIRED_MARGIN_SECONDS = 120;
const MAX_UINT48 = 2n ** 48n;
/** Reasons that do not say whether the payment went through. */
const OPEN_REASONS = /pending|duplicate|nonce|used|transaction_failed|transaction_state|unexpected/;

interface Parsed extends OfferedPayment {
  readonly authorization: SignedAuthorization;
}

/** A payment that ends while the service still works would have it work for nothing. */
function leastLifeSeconds(maxTimeoutSeconds: number): number {
  return Math.max(LEAST_LIFE_SECONDS, Math.min(maxTimeoutSeconds, USUAL_LIFE_SECONDS) - ON_ITS_WAY_SECONDS);
}

/** x402's `exact` by EIP-3009, through a facilitator that is needed and not trusted. */
export function createExactWay(options: ExactWayOptions): ExactWay {
  const { provider, logger, clock = systemClock, trustFacilitator = false } = options;
  const limits = { ...DEFAULTS, ...definedOf(options) };
  const findMs = options.findMs ?? DEFAULTS.findMs + (limits.confirmations - 1) * BLOCK_MS;
  const network: Network = `eip155:${options.chainId}`;
  const payTo = getAddress(options.payTo);
  const domains = new Map<string, TokenDomain>();
  const assets = options.assets.map(({ asset, name, version }) => {
    const address = getAddress(asset);
    if (name !== undefined && version !== undefined) domains.set(address, { name, version });
    return address;
  });
  const ending = new AbortController();
  const facilitator: FacilitatorClient = createFacilitatorClient({
    url: options.facilitatorUrl,
    verifyTimeoutMs: limits.verifyTimeoutMs,
    settleTimeoutMs: limits.settleTimeoutMs,
    signal: ending.signal,
    ...(options.facilitatorHeaders === undefined ? {} : { headers: options.facilitatorHeaders }),
  });
  let isReady = false;
  let lastProblem: string | undefined;
  let running: Promise<void> | undefined;

  const away = (cause: unknown): SidecarError => new SidecarError("way/unavailable", { way: "exact", retryAfterSeconds: RETRY_AFTER_SECONDS }, { cause });

  /** Whether payments can be taken now: the facilitator says so, and the tokens are known. */
  async function probe(): Promise<void> {
    let problem: Error | undefined;
    try {
      for (const asset of assets) if (!domains.has(asset)) domains.set(asset, await readTokenDomain(provider, asset));
      const { kinds } = await facilitator.getSupported();
      const isTaken = kinds.some((kind) => kind.x402Version === 2 && kind.scheme === "exact" && kind.network === network);
      if (!isTaken) problem = new Error(`the facilitator does not settle exact on ${network}`);
    } catch (error) {
      problem = toError(error);
    }
    const wasReady = isReady;
    isReady = problem === undefined;
    if (problem !== undefined && problem.message !== lastProblem) logger?.warn({ err: problem }, "payments by x402 exact are not offered");
    lastProblem = problem?.message;
    if (!wasReady && isReady) logger?.info({ network, assets }, "payments by x402 exact are offered");
  }

  async function probeOnAndOn(): Promise<void> {
    while (!ending.signal.aborted) {
      await clock.sleep(limits.probeMs, ending.signal).catch(() => undefined);
      if (!ending.signal.aborted) await probe();
    }
  }

  function parse(payload: PaymentPayload, requirement: PaymentRequirements): Parsed {
    const authorization = payload.x402Version === 2 ? parseAuthorization(payload.payload) : undefined;
    if (authorization === undefined) throw new SidecarError("payment/malformed", { problem: "no authorization of EIP-3009" });
    const { from, nonce, validBefore } = authorization;
    return {
      key: `exact:${requirement.asset}:${from}:${nonce}`.toLowerCase(),
      expiresAt: Number(validBefore < MAX_UINT48 ? validBefore : MAX_UINT48),
      payload, requirement, ticket: undefined, authorization,
    };
  }

  /** What a facilitator gets: what we asked and what was signed, nothing else that a stranger wrote. */
  const canonical = ({ authorization: { signature, from, to, nonce, ...amounts }, requirement }: Parsed): PaymentPayload => ({
    x402Version: 2,
    accepted: requirement,
    payload: { signature, authorization: { from, to, nonce, value: String(amounts.value), validAfter: String(amounts.validAfter), validBefore: String(amounts.validBefore) } },
  });

  /** @throws SidecarError `payment/…` */
  function checkTerms({ payload: { accepted }, requirement, authorization }: Parsed): void {
    const { to, value, validAfter, validBefore } = authorization;
    if (accepted.network !== network) throw new SidecarError("payment/wrong-chain", { network: String(accepted.network).slice(0, 80) });
    if (!isAddress(accepted.asset) || getAddress(accepted.asset) !== requirement.asset) throw new SidecarError("payment/wrong-asset", { asset: String(accepted.asset).slice(0, 80) });
    if (to !== payTo) throw new SidecarError("payment/wrong-payee", { payTo: to });
    const asked = BigInt(requirement.amount);
    if (value < asked) throw new SidecarError("payment/underpaid", { asked: String(asked), offered: String(value) });
    if (value > asked) throw new SidecarError("payment/invalid", { reason: `exactly ${asked} is asked` });
    const now = BigInt(clock.nowSeconds());
    if (validBefore < now + BigInt(leastLifeSeconds(requirement.maxTimeoutSeconds))) throw new SidecarError("payment/expired", {});
    if (validAfter > now + BigInt(limits.clockSkewSeconds)) throw new SidecarError("payment/not-yet", {});
    const longest = requirement.maxTimeoutSeconds + MAX_EXTRA_LIFE_SECONDS;
    if (validBefore > now + BigInt(longest)) throw new SidecarError("payment/invalid", { reason: `valid for longer than ${longest} s` });
  }

  async function fateOf({ requirement, authorization }: Parsed, transaction?: string): Promise<AuthorizationFate> {
    if (transaction !== undefined && /^0x[0-9a-fA-F]{64}$/.test(transaction)) {
      const fate = await readPayment(provider, requirement.asset, authorization, transaction);
      if (fate.status !== "unknown") return fate;
    }
    return await findAuthorization(provider, requirement.asset, authorization);
  }

  /** No block from now on can hold it. */
  async function isExpiredOnL1({ authorization: { validBefore } }: Parsed): Promise<boolean> {
    if (BigInt(clock.nowSeconds()) > validBefore + BigInt(EXPIRED_MARGIN_SECONDS)) return true;
    const block = await provider.getBlock("latest");
    return block !== null && BigInt(block.timestamp) >= validBefore;
  }

  /** Undefined: what the facilitator did is not known. */
  async function askToSettle(parsed: Parsed): Promise<SettleResponse | undefined> {
    try {
      return await facilitator.settle(canonical(parsed), parsed.requirement);
    } catch (error) {
      logger?.warn({ err: toError(error), key: parsed.key }, "it is not known what the facilitator did with a payment: the chain is asked");
      return undefined;
    }
  }

  /**
   * What the chain says, once: where it went, that it never will, or undefined while that is open.
   * @throws SidecarError `payment/unsettled`
   */
  async function look(parsed: Parsed, told: SettleResponse | undefined): Promise<SettledPayment | undefined> {
    // Asked before the payment is: what is not there then never comes.
    const isExpired = await isExpiredOnL1(parsed);
    const fate = await fateOf(parsed, told?.transaction);
    if (fate.status === "paid") return fate.confirmations >= limits.confirmations ? { transaction: fate.transaction } : undefined;
    if (fate.status === "cancelled" || fate.status === "spent") throw new SidecarError("payment/unsettled", { reason: fate.status });
    if (fate.status !== "open") return undefined;
    if (isExpired) throw new SidecarError("payment/unsettled", { reason: "expired" });
    const reason = told?.success === false ? (told.errorReason ?? "refused by the facilitator") : undefined;
    if (reason !== undefined && !OPEN_REASONS.test(reason)) throw new SidecarError("payment/unsettled", { reason });
    return undefined;
  }

  /** Until the time is over, or `work` is done. */
  async function pause(durationMs: number, work: Promise<void> | undefined): Promise<void> {
    const done = new AbortController();
    const over = clock.sleep(durationMs, AbortSignal.any([ending.signal, done.signal])).catch((error: unknown) => {
      if (ending.signal.aborted) throw away(error);
    });
    try {
      await (work === undefined ? over : Promise.race([over, work]));
    } finally {
      done.abort();
    }
  }

  /** The facilitator is asked and the chain watched at the same time: whichever of them knows first, it is the chain that is believed. */
  async function settle(payment: VerifiedPayment): Promise<SettledPayment> {
    const parsed = parse(payment.payload, payment.requirement);
    let told: SettleResponse | undefined;
    let asking: Promise<void> | undefined;
    let endMs = Infinity;
    const askOnceMore = (): void => {
      asking = askToSettle(parsed).then((answer) => {
        told = answer ?? told;
        asking = undefined;
        endMs = Math.min(endMs, clock.monotonicMs() + findMs);
      });
    };
    askOnceMore();
    for (let pauseMs = limits.findPauseMs; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      let problem: unknown;
      try {
        const settled = await look(parsed, told);
        if (settled !== undefined) return settled;
      } catch (error) {
        if (error instanceof SidecarError) throw error;
        problem = error;
      }
      if (told?.success === true && trustFacilitator) return { transaction: told.transaction };
      if (clock.monotonicMs() >= endMs) {
        if (told?.success === true) logger?.error({ key: parsed.key, transaction: told.transaction }, "the facilitator says that a payment is settled, and the chain does not show it");
        throw away(problem ?? new Error("it is open whether the payment goes through"));
      }
      // Asking again is safe, brings what was never sent, and holds up nothing.
      if (asking === undefined && told?.success !== true) askOnceMore();
      // Only the first answer is waited for: one that fails at once would make this a race.
      await pause(pauseMs, endMs === Infinity ? asking : undefined);
    }
  }

  return {
    name: "exact",
    scheme: "exact",
    get isReady() {
      return isReady;
    },
    requirement({ amount, asset }: WayPrice, timeoutSeconds: number): PaymentRequirements {
      const address = getAddress(asset);
      const domain = domains.get(address);
      if (domain === undefined) throw away(new Error(`the token ${address} is not known yet`));
      return { scheme: "exact", network, asset: address, amount: String(amount), payTo, maxTimeoutSeconds: timeoutSeconds, extra: { ...domain } };
    },
    read(payload, requirement) {
      const { authorization: _, ...offered } = parse(payload, requirement);
      return offered;
    },
    async verify(offered): Promise<VerifiedPayment> {
      const parsed = parse(offered.payload, offered.requirement);
      checkTerms(parsed);
      let isValid: boolean;
      let reason: string;
      try {
        const { from, nonce } = parsed.authorization;
        const [isUsed, answer] = await Promise.all([isAuthorizationUsed(provider, parsed.requirement.asset, from, nonce), facilitator.verify(canonical(parsed), parsed.requirement)]);
        isValid = answer.isValid && !isUsed;
        reason = isUsed ? "used or cancelled" : (answer.invalidReason ?? "refused by the facilitator");
      } catch (error) {
        throw away(error);
      }
      if (!isValid) throw new SidecarError("payment/invalid", { reason });
      return { ...offered, payer: parsed.authorization.from.toLowerCase(), amount: parsed.authorization.value };
    },
    settle,
    release() {
      // Nothing was taken. What was signed ends by itself, or pays for this request when it is asked for again.
    },
    async outcome(offered) {
      const parsed = parse(offered.payload, offered.requirement);
      try {
        // Asked before the payment is: what is not there then never comes.
        const isExpired = await isExpiredOnL1(parsed);
        const fate = await fateOf(parsed);
        if (fate.status === "paid") return "settled";
        if (fate.status === "cancelled" || fate.status === "spent") return "lost";
        if (fate.status === "open") return isExpired ? "lost" : "open";
      } catch (error) {
        throw away(error);
      }
      throw away(new Error("the chain does not show yet what became of a payment"));
    },
    async start() {
      await probe();
      running ??= probeOnAndOn();
    },
    async stop() {
      isReady = false;
      ending.abort(new Error("stopped"));
      await running;
    },
  };
}

/** Options that are given, so that one that is given as undefined does not hide its default. */
function definedOf(options: ExactWayOptions): Partial<typeof DEFAULTS> {
  return Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, options[name as keyof typeof DEFAULTS]]).filter(([, value]) => value !== undefined));
}
