import { toHex } from "../../core/codec/hex.ts";
import { keccak256 } from "../../core/hash/index.ts";
import type { Lock } from "../../core/channel/index.ts";
import type { PreimageRegister, RouteLink } from "../../sdk/node/channels/hub/RouteLink.ts";

/** The register of preimages, with a clock that tests turn. */
export class ModelRegister implements PreimageRegister {
  now = 1_000_000;
  readonly #known = new Map<string, { preimage: Uint8Array; registeredAt: number }>();

  async register(preimage: Uint8Array): Promise<void> {
    const name = toHex(keccak256(preimage));
    if (!this.#known.has(name)) this.#known.set(name, { preimage, registeredAt: this.now });
  }

  async find(hashlock: Uint8Array): Promise<{ preimage: Uint8Array; registeredAt: number } | undefined> {
    return this.#known.get(toHex(hashlock));
  }
}

interface Hooks {
  onRoute(bytes: Uint8Array): void;
  onLock(lock: Lock): void;
  onReleased?(hashlock: Uint8Array): void;
}

/** One side of a channel as docs/CHANNELS.md section 4 describes it: what engines may do, without their signatures. */
export class ModelLink implements RouteLink {
  readonly peer: string;
  readonly windowSeconds: number;
  readonly locks: Lock[] = [];
  paid = 0;
  isCut = false;
  other!: ModelLink;
  hooks: Hooks = { onRoute: () => undefined, onLock: () => undefined };

  constructor(peer: string, windowSeconds: number) {
    [this.peer, this.windowSeconds] = [peer, windowSeconds];
  }

  sendRoute(bytes: Uint8Array): void {
    if (!this.isCut) setImmediate(() => this.other.hooks.onRoute(bytes));
  }

  async addLock(lock: Lock): Promise<void> {
    if (this.isCut) throw new Error("the connection is cut");
    this.locks.push(lock);
    setImmediate(() => this.other.hooks.onLock(lock));
  }

  async settleLock(preimage: Uint8Array): Promise<void> {
    const hashlock = toHex(keccak256(preimage));
    const place = this.locks.findIndex((lock) => toHex(lock.hashlock) === hashlock);
    if (place < 0) throw new Error("no lock has that preimage");
    if (this.isCut) throw new Error("the connection is cut");
    this.paid += this.locks.splice(place, 1)[0]!.amount;
  }

  async dropLock(hashlock: Uint8Array): Promise<void> {
    const place = this.locks.findIndex((lock) => toHex(lock.hashlock) === toHex(hashlock));
    if (place >= 0) this.locks.splice(place, 1);
  }

  /** As if a rebase had followed. */
  releaseLock(hashlock: Uint8Array): void {
    void this.other.dropLock(hashlock);
    setImmediate(() => this.other.hooks.onReleased?.(hashlock));
  }

  incomingLocks(): readonly Lock[] {
    return [...this.other.locks];
  }

  outgoingLocks(): readonly Lock[] {
    return [...this.locks];
  }

  /** What this side has paid if the channel is closed on chain now: locks count whose preimage was registered in time. */
  async finallyPaid(register: PreimageRegister): Promise<number> {
    let paid = this.paid;
    for (const { hashlock, amount, expiry } of this.locks) {
      const found = await register.find(hashlock);
      if (found !== undefined && found.registeredAt <= expiry) paid += amount;
    }
    return paid;
  }
}

/** Both sides of a channel. */
export function createModelChannel(addressA: string, addressB: string, windowSeconds: number): [a: ModelLink, b: ModelLink] {
  const [a, b] = [new ModelLink(addressB, windowSeconds), new ModelLink(addressA, windowSeconds)];
  [a.other, b.other] = [b, a];
  return [a, b];
}
