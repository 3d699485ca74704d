const HOUR_MS = 3_600_000;
/** Payers that are counted; beyond it the one that was counted first is forgotten. */
const MAX_PAYERS = 50_000;

interface Share {
  readonly sinceMs: number;
  sent: number;
  blockedUntilMs: number;
}

/** What one payer may have sent in an hour; the gas is ours. Bounded, and in memory alone. */
export class PayerShares {
  readonly #perHour: number;
  readonly #nowMs: () => number;
  readonly #shares = new Map<string, Share>();

  /** @param perHour 0 for no limit */
  constructor(perHour: number, nowMs: () => number) {
    this.#perHour = perHour;
    this.#nowMs = nowMs;
  }

  mayPay(payer: string): boolean {
    const share = this.#shares.get(payer);
    if (share === undefined) return true;
    const nowMs = this.#nowMs();
    if (share.blockedUntilMs > nowMs) return false;
    return this.#perHour === 0 || nowMs - share.sinceMs >= HOUR_MS || share.sent < this.#perHour;
  }

  count(payer: string): void {
    this.#shareOf(payer).sent += 1;
  }

  /** Its payment looked good and failed in a block: gas for nothing, which a payer can have on purpose. */
  block(payer: string, durationMs: number): void {
    this.#shareOf(payer).blockedUntilMs = this.#nowMs() + durationMs;
  }

  #shareOf(payer: string): Share {
    const nowMs = this.#nowMs();
    const found = this.#shares.get(payer);
    if (found !== undefined && nowMs - found.sinceMs < HOUR_MS) return found;
    const share = { sinceMs: nowMs, sent: 0, blockedUntilMs: found?.blockedUntilMs ?? 0 };
    this.#shares.delete(payer);
    this.#shares.set(payer, share);
    const [oldest] = this.#shares.keys();
    if (this.#shares.size > MAX_PAYERS && oldest !== undefined) this.#shares.delete(oldest);
    return share;
  }
}
