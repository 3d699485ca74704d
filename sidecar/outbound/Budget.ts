import { SidecarError } from "../SidecarError.ts";

/** What may be spent of one asset. Amounts in base units. An asset without limits is never paid with. */
export interface AssetLimits {
  /** `eip155:<chain id>` */
  readonly network: string;
  /** Token address; the zero address for ETH. */
  readonly asset: string;
  readonly maxPerCall: bigint;
  /** In one day (UTC). */
  readonly perDay: bigint;
  /** To one host in one day. Default: `perDay`. */
  readonly perHostPerDay?: bigint;
  /** Ever. Default: no end. */
  readonly inAll?: bigint;
}

/** What one payment counts for. */
export interface Spending {
  readonly network: string;
  readonly asset: string;
  readonly host: string;
  /** Days since 1970. */
  readonly day: number;
  readonly amount: bigint;
}

const DAY_MS = 86_400_000;
/** Hosts that have been paid in a day are few; those of an attacker who makes names are not. */
const MAX_HOSTS = 10_000;
/** A clock that goes back by more days than this was wrong before. */
const MAX_DAYS_BACK = 1;

export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

export function assetKey(network: string, asset: string): string {
  return `${network}/${asset.toLowerCase()}`;
}

interface Used {
  inAll: bigint;
  /** Of the newest day that anything was spent in, and by host. */
  day: number;
  inDay: bigint;
  readonly byHost: Map<string, bigint>;
}

/** What is left, in memory: checked and taken in one step, so that calls at once cannot pass it together. Pure but for its own sums. */
export class Budget {
  readonly #limits: ReadonlyMap<string, AssetLimits>;
  readonly #used = new Map<string, Used>();

  constructor(limits: readonly AssetLimits[]) {
    this.#limits = new Map(limits.map((limit) => [assetKey(limit.network, limit.asset), limit]));
    for (const key of this.#limits.keys()) this.#used.set(key, { inAll: 0n, day: 0, inDay: 0n, byHost: new Map() });
  }

  limitsOf(network: string, asset: string): AssetLimits | undefined {
    return this.#limits.get(assetKey(network, asset));
  }

  /** What an earlier process has spent. */
  restore(network: string, asset: string, sums: { readonly inAll: bigint; readonly day: number; readonly byHost: ReadonlyMap<string, bigint> }): void {
    const used = this.#used.get(assetKey(network, asset));
    if (used === undefined) return;
    used.inAll = sums.inAll;
    used.day = sums.day;
    used.byHost.clear();
    used.inDay = 0n;
    for (const [host, amount] of sums.byHost) {
      used.byHost.set(host, amount);
      used.inDay += amount;
    }
  }

  /**
   * A clock that goes back does not bring a day's money back: the newest day stays. Where it was far ahead, what was spent then counts in
   * the day that it is put back to, and not until the wrong day has come.
   */
  #today(used: Used, day: number): Used {
    if (used.day - day > MAX_DAYS_BACK) used.day = day;
    if (day > used.day) {
      used.day = day;
      used.inDay = 0n;
      used.byHost.clear();
    }
    return used;
  }

  /** @throws SidecarError `buy/too-expensive`, `buy/budget`, `buy/no-way` */
  reserve(spending: Spending): void {
    const { network, asset, host, amount } = spending;
    const key = assetKey(network, asset);
    const limits = this.#limits.get(key);
    if (limits === undefined) throw new SidecarError("buy/no-way", { problem: `no budget for ${key}` });
    if (amount < 0n) throw new SidecarError("buy/offer", { problem: "a negative price" });
    if (amount > limits.maxPerCall) throw new SidecarError("buy/too-expensive", { asked: String(amount), most: String(limits.maxPerCall), asset });
    const used = this.#today(this.#used.get(key)!, spending.day);
    const refuse = (limit: string, most: bigint, spent: bigint): void => {
      if (spent + amount > most) throw new SidecarError("buy/budget", { limit, asked: String(amount), left: String(most > spent ? most - spent : 0n), asset });
    };
    const ofHost = used.byHost.get(host) ?? 0n;
    refuse("day", limits.perDay, used.inDay);
    refuse("host", limits.perHostPerDay ?? limits.perDay, ofHost);
    if (limits.inAll !== undefined) refuse("all", limits.inAll, used.inAll);
    if (!used.byHost.has(host) && used.byHost.size >= MAX_HOSTS) throw new SidecarError("buy/budget", { limit: "hosts", asked: String(amount), left: "0", asset });
    used.inAll += amount;
    used.inDay += amount;
    used.byHost.set(host, ofHost + amount);
  }

  /** It was not spent after all. */
  release({ network, asset, host, day, amount }: Spending): void {
    const used = this.#used.get(assetKey(network, asset));
    if (used === undefined) return;
    used.inAll -= amount;
    if (day !== used.day) return;
    used.inDay -= amount;
    const left = (used.byHost.get(host) ?? 0n) - amount;
    if (left > 0n) used.byHost.set(host, left);
    else used.byHost.delete(host);
  }

  /** Takes without asking: what was released in this very turn, or is known to be spent. */
  take({ network, asset, host, day, amount }: Spending): void {
    const used = this.#used.get(assetKey(network, asset));
    if (used === undefined) return;
    used.inAll += amount;
    if (day !== this.#today(used, day).day) return;
    used.inDay += amount;
    used.byHost.set(host, (used.byHost.get(host) ?? 0n) + amount);
  }

  /** Spent so far, with what is reserved. */
  spent(network: string, asset: string, day: number): { readonly inAll: bigint; readonly today: bigint } {
    const used = this.#used.get(assetKey(network, asset));
    if (used === undefined) return { inAll: 0n, today: 0n };
    return { inAll: used.inAll, today: used.day === day || day < used.day ? used.inDay : 0n };
  }
}
