import { bundleDigest, encodeHeader, encodeRecord, recordsHash } from "../../core/codec/index.ts";
import { MAX_CALL_SECONDS, SLOT_BYTES } from "../../core/generated/protocol.ts";
import { signDigest } from "../../runtime/crypto/secp.ts";
import { FUNDER, benchAddress, benchKey, isKeyed, keyedAgents } from "./BenchAgents.ts";

/** `open` opens all accounts and gives units to those that have keys. */
export type Workload = "call" | "transfer" | "open";

export interface PresignOptions {
  readonly workload: Workload;
  /** Records of a bundle. */
  readonly bundle: number;
  readonly bundles: number;
  readonly agents: number;
  readonly seed: number;
  readonly domainSeparator: Uint8Array;
  /** Unix seconds; calls end half the longest time later. */
  readonly nowSeconds: number;
}

const NO_END = 0xffffffff;
/** Enough for the calls and fees of every run. */
const FUNDS_UNITS = 200_000_000;

/**
 * Signed bundles in the order in which they must run, none twice. Calls come in rounds: n requesters call each of n providers in
 * bundles of n, then every provider answers its n calls in one bundle; slot and id of a call follow from the order alone.
 */
export function* presign(options: PresignOptions): Generator<Uint8Array> {
  const { bundle: size, domainSeparator } = options;
  const order = keyedAgents(options.agents, options.seed);
  const nonces = new Map<number, number>();
  const free: number[] = [];
  let nextSlot = 0;
  let nextId = 0;
  let cursor = 0;
  let made = 0;

  const take = (): number => {
    cursor += 1;
    return order[(cursor - 1) % order.length];
  };
  const sign = (agent: number, slots: Uint8Array): Uint8Array => {
    const nonce = nonces.get(agent) ?? 0;
    nonces.set(agent, nonce + 1);
    const count = slots.length / SLOT_BYTES - 1;
    const message = { agent, nonce, count, validUntil: NO_END };
    const digest = bundleDigest({ ...message, domainSeparator, recordsHash: recordsHash(slots, SLOT_BYTES, count) });
    const signature = signDigest(digest, benchKey(agent));
    slots.set(encodeHeader({ ...message, signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) }), 0);
    made += 1;
    return slots;
  };

  if (options.workload === "open") {
    for (let first = FUNDER + 1; first <= options.agents; first += size) {
      const count = Math.min(size, options.agents - first + 1);
      const slots = new Uint8Array((count + 1) * SLOT_BYTES);
      for (let i = 0; i < count; i += 1) {
        const agent = first + i;
        slots.set(encodeRecord("OPEN_ACCOUNT", { owner: benchAddress(agent, options.agents), amount: isKeyed(agent, options.agents) ? FUNDS_UNITS : 0 }), (i + 1) * SLOT_BYTES);
      }
      yield sign(FUNDER, slots);
    }
    return;
  }

  if (options.workload === "transfer") {
    let random = options.seed | 1;
    while (made < options.bundles) {
      const agent = take();
      const slots = new Uint8Array((size + 1) * SLOT_BYTES);
      for (let i = 1; i <= size; i += 1) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
        const other = 1 + ((random >>> 8) % options.agents);
        slots.set(encodeRecord("TRANSFER", { to: other === agent ? (other % options.agents) + 1 : other, amount: 1 }), i * SLOT_BYTES);
      }
      yield sign(agent, slots);
    }
    return;
  }

  const deadline = options.nowSeconds + Math.floor(MAX_CALL_SECONDS / 2);
  const hash = new Uint8Array(32);
  const hashView = new DataView(hash.buffer);
  const call = encodeRecord("INVOKE", { provider: 1, price: 10, deadline, capability: 7, inputHash: hash });
  const callView = new DataView(call.buffer);
  const callOffset = { provider: 4, inputHash: 32 };
  const answer = encodeRecord("RESPOND", { status: 0, slot: 0, id: 1, outputHash: hash });
  const answerView = new DataView(answer.buffer);
  const answerOffset = { slot: 4, id: 8, outputHash: 32 };
  const fillHash = (id: number): void => {
    for (let word = 0; word < 8; word += 1) hashView.setUint32(word * 4, Math.imul(id + word * 0x1003f, 0x9e3779b1));
  };
  // Small bundles come in many groups at a time, so that an answer does not follow its call at once.
  const groups = Math.max(1, Math.floor(512 / size));
  while (made < options.bundles) {
    const round: { slots: number[][]; ids: number[][]; providers: number[] }[] = [];
    for (let g = 0; g < groups; g += 1) {
      const requesters = Array.from({ length: size }, take);
      const providers = Array.from({ length: size }, take);
      const slotsOf: number[][] = providers.map(() => []);
      const idsOf: number[][] = providers.map(() => []);
      for (const requester of requesters) {
        const slots = new Uint8Array((size + 1) * SLOT_BYTES);
        for (let p = 0; p < size; p += 1) {
          nextId += 1;
          fillHash(nextId);
          callView.setUint32(callOffset.provider, providers[p]);
          call.set(hash, callOffset.inputHash);
          slots.set(call, (p + 1) * SLOT_BYTES);
          slotsOf[p].push(free.pop() ?? nextSlot++);
          idsOf[p].push(nextId);
        }
        yield sign(requester, slots);
      }
      round.push({ slots: slotsOf, ids: idsOf, providers });
    }
    for (const { slots: slotsOf, ids: idsOf, providers } of round) {
      for (const [p, provider] of providers.entries()) {
        const slots = new Uint8Array((size + 1) * SLOT_BYTES);
        for (let i = 0; i < size; i += 1) {
          fillHash(idsOf[p][i] + 0x5bd1e995);
          answerView.setUint32(answerOffset.slot, slotsOf[p][i]);
          answerView.setBigUint64(answerOffset.id, BigInt(idsOf[p][i]));
          answer.set(hash, answerOffset.outputHash);
          slots.set(answer, (i + 1) * SLOT_BYTES);
          free.push(slotsOf[p][i]);
        }
        yield sign(provider, slots);
      }
    }
  }
}
