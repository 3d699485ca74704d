import { RECORD } from "../../../core/generated/protocol.ts";
import type { Dependency } from "../../../core/transition/dependencies.ts";
import { INTAKE } from "../Submission.ts";
import type { Submission } from "../Submission.ts";

/** Limits of what may wait. */
export interface ParkingLimits {
  readonly maxBundles: number;
  readonly maxBundlesPerAgent: number;
  readonly maxMs: number;
}

/** The time, for durations (monotonic) and on the wall. */
export interface ParkingTime {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** What a waiting bundle waits for: the nonce before its own, or an object. */
type Reason = { readonly nonce: number } | { readonly object: string };

interface Waiting {
  readonly submission: Submission;
  readonly agent: number;
  readonly reason: Reason;
}

const headerOf = ({ bytes }: Submission): { agent: number; nonce: number; validUntil: number } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { agent: view.getUint32(RECORD.HEADER.agent), nonce: Number(view.getBigUint64(RECORD.HEADER.nonce)), validUntil: view.getUint32(RECORD.HEADER.validUntil) };
};

/** The event that a dependency waits for: an object is made, or a call is answered. */
export function wakeKey(kind: number, id: number, state: Dependency["state"]): string {
  return `${state === "missing" ? "m" : "p"}${kind}:${id}`;
}

/**
 * Bundles that came before what they depend on: a nonce after a gap waits for the one before it, a record for the call it names. They
 * wait for a bounded time, in bounded number, each agent for itself, and nobody pays for another's waiting: what ends a wait finds the
 * bundle by a key. Only bundles that their agent's key signed belong here.
 */
export class Parking {
  readonly #limits: ParkingLimits;
  readonly #byAgent = new Map<number, Set<Waiting>>();
  readonly #byNonce = new Map<string, Waiting>();
  readonly #byObject = new Map<string, Set<Waiting>>();
  #count = 0;

  constructor(limits: ParkingLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Bundles that wait for calls, workflows, sessions or channels. */
  get hasDependents(): boolean {
    return this.#byObject.size > 0;
  }

  /** Waits for the nonces before its own. False: rejected, as too many wait or another bundle waits with that nonce. */
  addGap(submission: Submission, now: ParkingTime): boolean {
    const { agent, nonce } = headerOf(submission);
    const key = `${agent}:${nonce}`;
    if (this.#byNonce.has(key)) {
      submission.reply.rejected(INTAKE.BUSY, "another bundle waits with the same nonce; send it again when that one has run or expired");
      return false;
    }
    const waiting = this.#add(submission, { nonce }, now);
    if (waiting === undefined) return false;
    this.#byNonce.set(key, waiting);
    return true;
  }

  /** Waits for a call, workflow or session that it names. */
  addDependent(submission: Submission, dependency: Dependency, now: ParkingTime): boolean {
    const object = wakeKey(dependency.kind, dependency.id, dependency.state);
    const waiting = this.#add(submission, { object }, now);
    if (waiting === undefined) return false;
    const others = this.#byObject.get(object) ?? new Set();
    others.add(waiting);
    this.#byObject.set(object, others);
    return true;
  }

  /** The bundle that waited for exactly this nonce, if there is one. */
  takeNext(agent: number, nonce: number): Submission | undefined {
    const waiting = this.#byNonce.get(`${agent}:${nonce}`);
    if (waiting !== undefined) this.#remove(waiting);
    return waiting?.submission;
  }

  /** Those that waited for an object, to be looked at again. */
  takeDependents(key: string): Submission[] {
    const waiting = [...(this.#byObject.get(key) ?? [])];
    for (const each of waiting) this.#remove(each);
    return waiting.map(({ submission }) => submission);
  }

  /** All that wait: after entries of L1, which may have made, ended or used anything. In the order of their nonces. */
  takeAll(): Submission[] {
    const all = [...this.#byAgent.values()].flatMap((ofAgent) => [...ofAgent]);
    for (const waiting of all) this.#remove(waiting);
    return all.map(({ submission }) => submission).sort((a, b) => headerOf(a).nonce - headerOf(b).nonce);
  }

  /** Tells those that waited too long, or all of them. @param nowMs monotonic */
  expire(nowMs: number, code: number = INTAKE.WAITED_TOO_LONG): void {
    for (const agent of this.#byAgent.values()) {
      for (const waiting of agent) {
        if (waiting.submission.parkedUntilMs > nowMs) continue;
        this.#remove(waiting);
        waiting.submission.reply.rejected(code, "what the bundle waits for did not come in time; look up the nonce and send it again");
      }
    }
  }

  #add(submission: Submission, reason: Reason, { nowMs, wallMs }: ParkingTime): Waiting | undefined {
    const { agent, validUntil } = headerOf(submission);
    const { maxBundles, maxBundlesPerAgent, maxMs } = this.#limits;
    const ofAgent = this.#byAgent.get(agent) ?? new Set<Waiting>();
    if (this.#count >= maxBundles || ofAgent.size >= maxBundlesPerAgent) {
      submission.reply.rejected(INTAKE.BUSY, "too many bundles wait for others; send those first that they wait for");
      return undefined;
    }
    if (submission.parkedUntilMs === 0) {
      // It could not run after its own time anyway.
      submission.parkedUntilMs = nowMs + Math.min(maxMs, Math.max(0, (validUntil + 1) * 1000 - wallMs));
      submission.reply.parked();
    }
    // A view of a large message would keep all of it; of a Buffer, `slice` is a view too.
    if (submission.bytes.byteLength < submission.bytes.buffer.byteLength) submission.bytes = Uint8Array.from(submission.bytes);
    const waiting = { submission, agent, reason };
    ofAgent.add(waiting);
    this.#byAgent.set(agent, ofAgent);
    this.#count += 1;
    return waiting;
  }

  #remove(waiting: Waiting): void {
    const { agent, reason } = waiting;
    const ofAgent = this.#byAgent.get(agent);
    ofAgent?.delete(waiting);
    if (ofAgent?.size === 0) this.#byAgent.delete(agent);
    if ("nonce" in reason) this.#byNonce.delete(`${agent}:${reason.nonce}`);
    else {
      const others = this.#byObject.get(reason.object);
      others?.delete(waiting);
      if (others?.size === 0) this.#byObject.delete(reason.object);
    }
    this.#count -= 1;
  }
}
