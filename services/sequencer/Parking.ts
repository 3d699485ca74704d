import { INTAKE } from "./Submission.ts";
import type { Submission } from "./Submission.ts";

/** Limits of what may wait. */
export interface ParkingLimits {
  readonly maxBundles: number;
  readonly maxBundlesPerAgent: number;
  readonly maxMs: number;
}

const agentOf = (submission: Submission): number => new DataView(submission.bytes.buffer, submission.bytes.byteOffset).getUint32(4);
const nonceOf = (submission: Submission): number => Number(new DataView(submission.bytes.buffer, submission.bytes.byteOffset).getBigUint64(8));

/**
 * Bundles that came before what they depend on: a nonce after a gap waits for the one before it, a record for the call it names. They
 * wait for a bounded time, in bounded number, each agent for itself.
 */
export class Parking {
  readonly #limits: ParkingLimits;
  /** By agent, then by nonce. */
  readonly #byAgent = new Map<number, Map<number, Submission>>();
  #dependent: Submission[] = [];
  #count = 0;

  constructor(limits: ParkingLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Waits for the nonces before its own. False: rejected, as too many wait or another bundle waits with that nonce. */
  addGap(submission: Submission, nowMs: number): boolean {
    const agent = agentOf(submission);
    const waiting = this.#byAgent.get(agent) ?? new Map<number, Submission>();
    const isFull = this.#count >= this.#limits.maxBundles || waiting.size >= this.#limits.maxBundlesPerAgent;
    if (isFull || waiting.has(nonceOf(submission))) {
      submission.reply.rejected(INTAKE.BUSY, "too many bundles wait for earlier ones; send those first");
      return false;
    }
    submission.parkedUntilMs = nowMs + this.#limits.maxMs;
    waiting.set(nonceOf(submission), submission);
    this.#byAgent.set(agent, waiting);
    this.#count += 1;
    submission.reply.parked();
    return true;
  }

  /** Waits for calls, workflows or sessions that it names. */
  addDependent(submission: Submission, nowMs: number): void {
    if (this.#count >= this.#limits.maxBundles) {
      submission.reply.rejected(INTAKE.BUSY, "too many bundles wait for others; send the others first");
      return;
    }
    if (submission.parkedUntilMs === 0) {
      submission.parkedUntilMs = nowMs + this.#limits.maxMs;
      submission.reply.parked();
    }
    this.#dependent.push(submission);
    this.#count += 1;
  }

  /** The bundle that waited for exactly this nonce, if there is one. */
  takeNext(agent: number, nonce: number): Submission | undefined {
    const waiting = this.#byAgent.get(agent);
    const next = waiting?.get(nonce);
    if (waiting === undefined || next === undefined) return undefined;
    waiting.delete(nonce);
    if (waiting.size === 0) this.#byAgent.delete(agent);
    this.#count -= 1;
    return next;
  }

  /** All that wait for objects, to be looked at again. */
  takeDependent(): Submission[] {
    const taken = this.#dependent;
    this.#dependent = [];
    this.#count -= taken.length;
    return taken;
  }

  /** Tells those that waited too long, or all of them. */
  expire(nowMs: number, code: number = INTAKE.WAITED_TOO_LONG): void {
    const isOver = (submission: Submission): boolean => submission.parkedUntilMs <= nowMs;
    for (const [agent, waiting] of this.#byAgent) {
      for (const [nonce, submission] of waiting) {
        if (!isOver(submission)) continue;
        waiting.delete(nonce);
        this.#count -= 1;
        submission.reply.rejected(code, "what the bundle waits for did not come; look up the nonce and send again");
      }
      if (waiting.size === 0) this.#byAgent.delete(agent);
    }
    const over = this.#dependent.filter(isOver);
    this.#dependent = this.#dependent.filter((submission) => !isOver(submission));
    this.#count -= over.length;
    for (const submission of over) submission.reply.rejected(code, "what the bundle waits for did not come; send it again after that");
  }
}
