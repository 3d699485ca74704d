import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";

import { CALL_SCHEME, SdkError, callHash, callRequirement, chainUnitsToBase, readCallPayload, toHex } from "../../sdk/index.ts";
import type { Agent, Reference } from "../../sdk/index.ts";
import { SidecarError } from "../SidecarError.ts";
import { CallLookups } from "./CallLookups.ts";
import { readPayload } from "./readPayload.ts";
import type { OfferedPayment, SettledPayment, VerifiedPayment, Way, WayPrice } from "./Way.ts";

export interface CallWayOptions {
  /** Who is paid, with its session key or its own. */
  readonly agent: Agent;
  /** Beyond the route's time, what a call's deadline must leave for the RESPOND and for two clocks. Default 30 s. */
  readonly marginSeconds?: number;
  /** A call that the sequencer does not show yet is asked for again, this long. Default 1.5 s. */
  readonly lookupMs?: number;
  /** Requests that wait for such a call at once, in all and from one address. Default 512 and 32. */
  readonly maxWaiting?: number;
  readonly maxWaitingEach?: number;
  /** A RESPOND whose acknowledgement takes longer counts as an outage; it may still come through. Default 10 s. */
  readonly answerMs?: number;
  /** Unix seconds. Default: the agent's clock. */
  readonly now?: () => number;
}

/** As `verify` gives it. */
interface PaidByCall extends VerifiedPayment {
  readonly call: Reference;
}

interface Account {
  readonly index: number;
  readonly asset: string;
}

/** What the RESPOND is rejected with when the call is not open any more, or never was ours. */
const NOT_OPEN = ["E_REFERENCE", "E_ANSWERED", "E_DEADLINE", "E_NOT_PROVIDER", "E_WORKFLOW_ENDED"];
const FAILED_OUTPUT = { hash: `0x${"00".repeat(32)}` };
const ZERO_ADDRESS = `0x${"00".repeat(20)}`;
const RETRY_SECONDS = 2;

/** Sells for calls of Layer Core: x402's scheme `agnt2-call` (docs/X402.md). The chain is its ledger. */
export class CallWay implements Way {
  readonly name = "call";
  readonly scheme = CALL_SCHEME;
  readonly #agent: Agent;
  readonly #marginSeconds: number;
  readonly #answerMs: number;
  readonly #now: () => number;
  readonly #lookups: CallLookups;
  /** Responses under way, by the call's id: the same one again is the same one. */
  readonly #responding = new Map<number, { readonly answer: string; readonly done: Promise<SettledPayment> }>();
  /** What calls were answered with of late, or may have been: the acknowledgement of a RESPOND can be lost. */
  readonly #answered = new Map<number, { readonly answer: string; readonly isCertain: boolean }>();
  #account: Account | undefined;

  constructor(options: CallWayOptions) {
    const { agent, marginSeconds = 30, now = () => agent.client.now() } = options;
    [this.#agent, this.#marginSeconds, this.#answerMs, this.#now] = [agent, marginSeconds, options.answerMs ?? 10_000, now];
    this.#lookups = new CallLookups(agent.client, { lookupMs: options.lookupMs ?? 1_500, most: options.maxWaiting ?? 512, mostEach: options.maxWaitingEach ?? 32 });
  }

  /** Reads which account this is. Again when there was none yet. @throws SdkError `SDK_NO_ACCOUNT`, `SDK_UNREACHABLE` */
  async start(): Promise<void> {
    const { index } = await this.#agent.account();
    this.#account = { index, asset: (this.#agent.config.asset.address ?? ZERO_ADDRESS).toLowerCase() };
  }

  get isReady(): boolean {
    return this.#account !== undefined;
  }

  #require(): Account {
    if (this.#account === undefined) throw this.#unavailable();
    return this.#account;
  }

  #unavailable(cause?: unknown): SidecarError {
    return new SidecarError("way/unavailable", { way: this.name, retryAfterSeconds: RETRY_SECONDS }, { cause });
  }

  requirement({ amount, asset }: WayPrice, timeoutSeconds: number): PaymentRequirements {
    const { index } = this.#require();
    const { domain, asset: scale } = this.#agent.config;
    return callRequirement({
      chainId: domain.chainId, rollup: domain.inbox, payTo: this.#agent.address, provider: index, asset, amount, unit: scale.assetScale,
      maxTimeoutSeconds: timeoutSeconds, deadlineSeconds: timeoutSeconds + this.#marginSeconds,
    });
  }

  read(payload: PaymentPayload, requirement: PaymentRequirements): OfferedPayment {
    const { slot, id, ticket } = readPayload(payload, readCallPayload);
    const offered: OfferedPayment & { readonly call: Reference } = { key: `call:${id}`, expiresAt: undefined, payload, requirement, ticket, call: { slot, id } };
    return offered;
  }

  async verify(payment: OfferedPayment, requestHash: Uint8Array, remoteAddress: string): Promise<VerifiedPayment> {
    const { index, asset } = this.#require();
    const { requirement, ticket } = payment;
    const reference = referenceOf(payment);
    if (requirement.asset.toLowerCase() !== asset) throw new SidecarError("payment/wrong-asset", { asset });
    const call = await this.#known(this.#lookups.find(reference, remoteAddress));
    if (call === undefined) throw new SidecarError("payment/no-call", {});
    if (call.provider !== index) throw new SidecarError("payment/wrong-payee", { payTo: requirement.payTo });
    if (call.inputHash !== toHex(callHash(requestHash, ticket!))) throw new SidecarError("payment/other-request", {});
    if (call.status !== "open") throw new SidecarError("payment/no-call", {});
    if (!call.isPaidOnResponse) throw new SidecarError("payment/invalid", { reason: "a call under review or in a workflow is not paid by its answer" });
    const amount = chainUnitsToBase(call.priceUnits, this.#agent.config.asset);
    if (amount < BigInt(requirement.amount)) throw new SidecarError("payment/underpaid", { asked: requirement.amount, offered: String(amount) });
    if (call.deadline < this.#now() + requirement.maxTimeoutSeconds + Math.min(this.#marginSeconds, LEAST_MARGIN_SECONDS)) throw new SidecarError("payment/expired", {});
    const payer = await this.#known(this.#lookups.ownerOf(call.requester));
    const verified: PaidByCall = { ...payment, expiresAt: call.deadline, payer, amount, call: reference };
    return verified;
  }

  settle(payment: VerifiedPayment, answerHash: Uint8Array): Promise<SettledPayment> {
    const reference = referenceOf(payment);
    const answer = toHex(answerHash);
    const under = this.#responding.get(reference.id);
    if (under !== undefined) return under.answer === answer ? under.done : Promise.reject(new SidecarError("payment/unsettled", { reason: "the call is being answered otherwise" }));
    const done = this.#respond(reference, payment, answer).finally(() => this.#responding.delete(reference.id));
    this.#responding.set(reference.id, { answer, done });
    return done;
  }

  async #respond(call: Reference, payment: OfferedPayment, answer: string): Promise<SettledPayment> {
    const settled = { transaction: `${call.slot}:${call.id}` };
    const before = this.#answered.get(call.id);
    const isAgain = before?.answer === answer;
    if (isAgain && before.isCertain) return settled;
    const responded = this.#agent.respond(call, { hash: answer }).durable.then(() => this.#remember(call.id, answer, true));
    try {
      await this.#inTime(responded);
      return settled;
    } catch (error) {
      if (!(error instanceof SdkError)) throw error;
      if (!NOT_OPEN.includes(error.code)) {
        // The SDK's own errors say that no answer came; those of the chain and its intake, that nothing was done.
        if (error.code.startsWith("SDK_")) this.#remember(call.id, answer, false);
        throw this.#unavailable(error);
      }
      // Its answer is on the chain when an earlier RESPOND of ours, whose acknowledgement was lost, has come through.
      if (isAgain && (await this.#endOf(call, payment)) === "settled") return settled;
      throw new SidecarError("payment/unsettled", { reason: error.code }, { cause: error });
    }
  }

  /** @throws SdkError `SDK_TIMEOUT`; what was asked goes on */
  async #inTime(asked: Promise<unknown>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new SdkError({ code: "SDK_TIMEOUT", reaction: "retry", what: "no acknowledgement in time", why: `${this.#answerMs} ms`, todo: "ask again" })), this.#answerMs);
    });
    try {
      await Promise.race([asked, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #remember(id: number, answer: string, isCertain: boolean): void {
    this.#answered.delete(id);
    this.#answered.set(id, { answer, isCertain });
    const [oldest] = this.#answered.keys();
    if (this.#answered.size > MOST_ANSWERED && oldest !== undefined) this.#answered.delete(oldest);
  }

  async release(payment: OfferedPayment): Promise<void> {
    try {
      await this.#inTime(this.#agent.respond(referenceOf(payment), FAILED_OUTPUT, { failed: true }).durable);
    } catch (error) {
      // Not open any more: nothing is left to give back.
      if (error instanceof SdkError && NOT_OPEN.includes(error.code)) return;
      throw this.#unavailable(error);
    }
  }

  async outcome(payment: OfferedPayment): Promise<"settled" | "open" | "lost"> {
    const reference = referenceOf(payment);
    const call = await this.#known(this.#lookups.look(reference));
    if (call === undefined) return this.#endOf(reference, payment);
    return call.status === "open" && call.deadline > this.#now() ? "open" : "lost";
  }

  /**
   * How a call ended that the chain no longer holds. Before its deadline only its provider can end it, and who asks here has answered it;
   * after it, its receipt tells, where there is a replica to ask; else the buyer, who may have paid, is believed.
   */
  async #endOf({ slot, id }: Reference, { expiresAt }: OfferedPayment): Promise<"settled" | "lost"> {
    if (expiresAt !== undefined && this.#now() + SKEW_SECONDS < expiresAt) return "settled";
    const isPaid = await this.#known(this.#lookups.isPaid({ slot, id }, this.#require().index));
    return isPaid === false ? "lost" : "settled";
  }

  /** What the chain's services say; while they are away nobody can say. */
  async #known<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      throw error instanceof SdkError ? this.#unavailable(error) : error;
    }
  }
}

/** Of the margin that buyers are asked for, what must be left when the request arrives. */
const LEAST_MARGIN_SECONDS = 10;
const SKEW_SECONDS = 30;
const MOST_ANSWERED = 4_096;

function referenceOf(payment: OfferedPayment): Reference {
  const { call } = payment as Partial<PaidByCall>;
  if (call !== undefined) return call;
  const { slot, id } = readPayload(payment.payload, readCallPayload);
  return { slot, id };
}

