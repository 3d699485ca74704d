import { cpus } from "node:os";

import { Trace } from "../core/dispute/index.ts";
import { channelDomain } from "../core/channel/index.ts";
import { domainSeparator } from "../core/codec/bundle.ts";
import { batchDataRoot } from "../core/codec/batch.ts";
import { bundleDigest, encodeHeader, encodeRecord, recordsHash } from "../core/codec/index.ts";
import { OP, SLOT_BYTES } from "../core/generated/protocol.ts";
import { createState, createStateTree } from "../core/state/index.ts";
import type { BatchInput, EntryInput, L1Data } from "../core/transition/index.ts";
import { segmentPoints } from "../core/dispute/index.ts";
import { addressOfKey, backend, recoverAddress, signDigest } from "../runtime/crypto/secp.ts";

const AGENTS = 1024;
const BATCH_SLOTS = 8192;
const DOMAIN = domainSeparator({ chainId: 31337, inbox: new Uint8Array(20).fill(1) });
const CHANNELS = channelDomain({ chainId: 31337, adjudicator: new Uint8Array(20).fill(2) });
const NO_BYTES = new Uint8Array(0);

export interface TraceReport {
  readonly cpu: string;
  readonly signatures: string;
  readonly steps: number;
  readonly recordsPerBundle: number;
  /** All cuts of the opening, signatures checked; then the same with what is remembered of them. */
  readonly openingSeconds: number;
  readonly againSeconds: number;
  /** A whole game's answers after the opening, by arity. */
  readonly answersSeconds: Readonly<Record<number, number>>;
  readonly proofMilliseconds: number;
  readonly rssMegabytes: number;
  readonly logMegabytes: number;
  readonly checkpoints: number;
}

/** Batches of signed transfers between funded accounts, about `steps` steps long. */
function createEpoch(steps: number, perBundle: number): { l1: L1Data; batches: BatchInput[] } {
  const keys = Array.from({ length: AGENTS }, (_, i) => new Uint8Array(32).fill(1).map((byte, at) => (at < 30 ? byte : at === 30 ? i >> 8 : i & 255)));
  const entries = keys.map((key): EntryInput => {
    const address = addressOfKey(key);
    return { kind: OP.DEPOSIT, sender: address, account: address, value: 1_000_000_000, slots: 0, dataRoot: new Uint8Array(32), dueTime: 0, data: NO_BYTES };
  });
  const batches: BatchInput[] = [{ l2Time: 1000, queueEnd: AGENTS, slots: 0, dataRoot: new Uint8Array(32), data: NO_BYTES }];
  const nonces = new Uint32Array(AGENTS);
  let agent = 0;
  for (let made = 1 + AGENTS; made < steps; ) {
    const wanted = Math.min(BATCH_SLOTS, Math.floor((steps - made - 1) / 2));
    const bundles = Math.floor(wanted / (1 + perBundle));
    if (bundles === 0) break;
    const data = new Uint8Array(bundles * (1 + perBundle) * SLOT_BYTES);
    for (let n = 0, at = 0; n < bundles; n += 1) {
      const records = new Uint8Array(perBundle * SLOT_BYTES);
      for (let i = 0; i < perBundle; i += 1) {
        const to = (agent + 1 + ((7 * n + i) % (AGENTS - 1))) % AGENTS;
        records.set(encodeRecord("TRANSFER", { to: to + 1, amount: 1 }), i * SLOT_BYTES);
      }
      const header = { agent: agent + 1, nonce: nonces[agent]!, count: perBundle, validUntil: 0xffffffff, auth: 0 };
      const signature = signDigest(bundleDigest({ domainSeparator: DOMAIN, ...header, recordsHash: recordsHash(records, 0, perBundle) }), keys[agent]!);
      data.set(encodeHeader({ ...header, signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) }), at);
      data.set(records, at + SLOT_BYTES);
      at += (1 + perBundle) * SLOT_BYTES;
      nonces[agent] = nonces[agent]! + 1;
      agent = (agent + 1) % AGENTS;
    }
    batches.push({ l2Time: 1000, queueEnd: AGENTS, slots: data.length / SLOT_BYTES, dataRoot: batchDataRoot(data), data });
    made += 1 + (2 * data.length) / SLOT_BYTES;
  }
  return { batches, l1: { batch: (index) => batches[index]!, entry: (index) => entries[index]! } };
}

function timed(action: () => unknown): number {
  const from = performance.now();
  action();
  return (performance.now() - from) / 1000;
}

/** How long the challenger's view of an epoch takes: `--steps N` (default 2^20), `--bundle N` records a bundle (default 16). */
export function benchTrace(args: readonly string[]): TraceReport {
  const option = (name: string, otherwise: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise);
  const [wanted, recordsPerBundle] = [option("--steps", 2 ** 20), option("--bundle", 16)];
  const { l1, batches } = createEpoch(wanted, recordsPerBundle);
  const start = { state: createState().exportSnapshot(), tree: createStateTree().snapshot() };
  const recover = (digest: Uint8Array, r: Uint8Array, vs: Uint8Array): Uint8Array | null => recoverAddress(digest, Buffer.concat([r, vs]));
  const parameters = { domainSeparator: DOMAIN, channels: CHANNELS, feeTable: Array.from({ length: 24 }, () => 1), recover };
  const trace = new Trace({ start, batchEnd: batches.length, l1, parameters });
  const steps = trace.length;
  const openingSeconds = timed(() => trace.rootsAt([...segmentPoints(0, steps, 16), steps]));
  // Cuts that are not known yet.
  const againSeconds = timed(() => trace.rootsAt(segmentPoints(0, steps, 16).map((step) => step + 5)));
  const answersSeconds: Record<number, number> = {};
  for (const k of [2, 4, 16]) {
    answersSeconds[k] = timed(() => {
      let [lo, hi] = [0, steps];
      for (let turn = 0; hi - lo > 1; turn += 1) {
        const points = [lo, ...segmentPoints(lo, hi, k), hi];
        trace.rootsAt(points);
        const chosen = (5 * turn + 1) % (points.length - 1);
        [lo, hi] = [points[chosen]!, points[chosen + 1]!];
      }
    });
  }
  const proofMilliseconds = 1000 * timed(() => trace.stepProofAt(Math.floor(steps / 3)));
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    signatures: backend,
    steps,
    recordsPerBundle,
    openingSeconds,
    againSeconds,
    answersSeconds,
    proofMilliseconds,
    rssMegabytes: Math.round(process.memoryUsage().rss / 2 ** 20),
    logMegabytes: Math.round(trace.logBytes / 2 ** 20),
    checkpoints: trace.checkpointCount,
  };
}
