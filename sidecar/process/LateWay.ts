import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";

import { SidecarError } from "../SidecarError.ts";
import type { OfferedPayment, SettledPayment, VerifiedPayment, Way, WayName, WayPrice } from "../ways/Way.ts";

const RETRY_AFTER_SECONDS = 5;

/**
 * A way whose other half comes later: door and gate are open while the first start still waits for funds, and what can be sold already is.
 * Until then it is not offered, and a payment that names it gets a 503.
 */
export class LateWay implements Way {
  readonly name: WayName;
  readonly scheme: string;
  /** The short form; only the channel has it. */
  readonly find?: NonNullable<Way["find"]>;
  #way: Way | undefined;

  constructor(name: WayName, scheme: string) {
    [this.name, this.scheme] = [name, scheme];
    if (name !== "channel") return;
    this.find = (ticket, requestHash, requirement, remoteAddress) => {
      const { find } = this.#bound;
      if (find === undefined) throw new SidecarError("payment/no-call", {});
      return find.call(this.#way, ticket, requestHash, requirement, remoteAddress);
    };
  }

  bind(way: Way | undefined): void {
    this.#way = way;
  }

  get isReady(): boolean {
    return this.#way?.isReady === true;
  }

  /** The way itself. @throws SidecarError `way/unavailable` */
  get #bound(): Way {
    if (this.#way === undefined) throw new SidecarError("way/unavailable", { way: this.name, retryAfterSeconds: RETRY_AFTER_SECONDS });
    return this.#way;
  }

  requirement(price: WayPrice, timeoutSeconds: number): PaymentRequirements {
    return this.#bound.requirement(price, timeoutSeconds);
  }

  read(payload: PaymentPayload, requirement: PaymentRequirements): OfferedPayment {
    return this.#bound.read(payload, requirement);
  }

  verify(payment: OfferedPayment, requestHash: Uint8Array, remoteAddress: string): VerifiedPayment | Promise<VerifiedPayment> {
    return this.#bound.verify(payment, requestHash, remoteAddress);
  }

  hold(payment: VerifiedPayment): boolean {
    return this.#bound.hold?.(payment) ?? true;
  }

  settle(payment: VerifiedPayment, answerHash: Uint8Array): SettledPayment | Promise<SettledPayment> {
    return this.#bound.settle(payment, answerHash);
  }

  release(payment: OfferedPayment): void | Promise<void> {
    return this.#bound.release(payment);
  }

  async outcome(payment: OfferedPayment): Promise<"settled" | "open" | "lost"> {
    return this.#bound.outcome(payment);
  }
}
