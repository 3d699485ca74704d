import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";

import { decodeTicket, encodeTicket } from "../../../sdk/x402/ticket.ts";
import { SidecarError } from "../../../sidecar/SidecarError.ts";
import type { OfferedPayment, SettledPayment, VerifiedPayment, Way, WayName, WayPrice } from "../../../sidecar/ways/Way.ts";

export const SELLER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
export const BUYER = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";
export const NETWORK = "eip155:31337";

/** Money of a fake way: it outlives the gates that are killed. */
export class FakeMoney {
  /** Payments that were made, by key; a second time would be a theft. */
  readonly moved = new Map<string, { readonly amount: bigint; readonly answerHash: string }>();
  readonly released = new Set<string>();
  /** Settlements that moved money once more: must stay empty. */
  readonly twice: string[] = [];

  /** As it is now. */
  copy(): FakeMoney {
    const copy = new FakeMoney();
    for (const [key, payment] of this.moved) copy.moved.set(key, payment);
    for (const key of this.released) copy.released.add(key);
    copy.twice.push(...this.twice);
    return copy;
  }
}

type Step = "verify" | "settle" | "release" | "outcome";

/** A way whose money is a map, and which can be made to fail or wait at every step. */
export class FakeWay implements Way {
  readonly name: WayName;
  readonly scheme: string;
  readonly money: FakeMoney;
  isReady = true;
  /** Unix seconds. */
  now = (): number => 1_000;
  /** Called before a step: throws or waits as the test wants. */
  before: (step: Step, key: string) => void | Promise<void> = () => undefined;
  /** Called after money moved. */
  after: (step: Step, key: string) => void | Promise<void> = () => undefined;
  readonly calls: Record<Step | "read" | "requirement" | "find", number> = { verify: 0, settle: 0, release: 0, outcome: 0, read: 0, requirement: 0, find: 0 };
  /** Calls on a fake channel that are open, by ticket text. */
  readonly open = new Map<string, { readonly key: string; readonly amount: bigint }>();
  find: Way["find"];

  constructor(name: WayName, money = new FakeMoney()) {
    this.name = name;
    this.scheme = name === "exact" ? "exact" : `agnt2-${name}`;
    this.money = money;
    if (name === "channel") this.find = (ticket, _requestHash, requirement) => this.#find(ticket, requirement);
  }

  requirement({ amount, asset }: WayPrice, timeoutSeconds: number): PaymentRequirements {
    this.calls.requirement += 1;
    return { scheme: this.scheme, network: NETWORK, asset, amount: String(amount), payTo: SELLER, maxTimeoutSeconds: timeoutSeconds, extra: { name: "Test" } };
  }

  read(payload: PaymentPayload, requirement: PaymentRequirements): OfferedPayment {
    this.calls.read += 1;
    const { id, until, ticket } = payload.payload as { id?: unknown; until?: unknown; ticket?: unknown };
    if (typeof id !== "string" || id.length > 100) throw new SidecarError("payment/malformed", { problem: "id" });
    return {
      key: `${this.name}:${id}`,
      expiresAt: typeof until === "number" ? until : undefined,
      payload,
      requirement,
      ticket: this.name === "exact" ? undefined : decodeTicket(String(ticket)),
    };
  }

  async verify(payment: OfferedPayment): Promise<VerifiedPayment> {
    this.calls.verify += 1;
    await this.before("verify", payment.key);
    if ((payment.expiresAt ?? Infinity) <= this.now()) throw new SidecarError("payment/expired", {});
    const { bogus } = payment.payload.payload as { bogus?: boolean };
    if (bogus === true) throw new SidecarError("payment/invalid", { reason: "signature" });
    if (this.money.moved.has(payment.key)) throw new SidecarError("payment/invalid", { reason: "used" });
    if (this.money.released.has(payment.key) && this.name !== "exact") throw new SidecarError("payment/no-call", {});
    return { ...payment, payer: BUYER, amount: BigInt(payment.payload.accepted.amount) };
  }

  async settle({ key, amount }: VerifiedPayment, answerHash: Uint8Array): Promise<SettledPayment> {
    this.calls.settle += 1;
    await this.before("settle", key);
    const text = Buffer.from(answerHash).toString("hex");
    const earlier = this.money.moved.get(key);
    if (earlier !== undefined && earlier.answerHash !== text) this.money.twice.push(key);
    if (this.money.released.has(key) && this.name !== "exact") throw new SidecarError("payment/unsettled", { reason: "released" });
    this.money.moved.set(key, { amount, answerHash: text });
    await this.after("settle", key);
    return { transaction: `tx-${key}` };
  }

  async release({ key }: OfferedPayment): Promise<void> {
    this.calls.release += 1;
    await this.before("release", key);
    this.money.released.add(key);
    await this.after("release", key);
  }

  async outcome({ key }: OfferedPayment): Promise<"settled" | "open" | "lost"> {
    this.calls.outcome += 1;
    await this.before("outcome", key);
    if (this.money.moved.has(key)) return "settled";
    return this.money.released.has(key) && this.name !== "exact" ? "lost" : "open";
  }

  #find(ticket: Uint8Array, requirement: PaymentRequirements): VerifiedPayment {
    this.calls.find += 1;
    const call = this.open.get(encodeTicket(ticket));
    if (call === undefined || this.money.moved.has(call.key) || this.money.released.has(call.key)) throw new SidecarError("payment/no-call", {});
    if (call.amount < BigInt(requirement.amount)) throw new SidecarError("payment/underpaid", { asked: requirement.amount, offered: String(call.amount) });
    const payload = { x402Version: 2, accepted: requirement, payload: {} };
    return { key: call.key, expiresAt: this.now(), payload, requirement, ticket, payer: BUYER, amount: call.amount };
  }
}
