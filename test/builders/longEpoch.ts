import { hexlify } from "ethers";

import { fromHex, toHex } from "../../core/codec/index.ts";
import { Trace } from "../../core/dispute/index.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import type { BatchInput, EntryInput } from "../../core/transition/index.ts";
import { deployDisputeContracts } from "./disputeContracts.ts";
import type { DisputeOptions } from "./disputeContracts.ts";
import type { DisputedEpoch } from "./disputeScene.ts";
import { DEVELOPMENT_KEYS } from "./localChain.ts";
import { signedBundle } from "./signedBundle.ts";
import { submitBatch } from "./submitBatch.ts";
import { TEST_CHANNELS } from "./TestRollup.ts";

/** Transfers in a bundle. */
const RECORDS = 63;
const BUNDLE_SLOTS = 1 + RECORDS;
const BATCH_SLOTS = 4_096;
const NO_FEES = new Array<number>(24).fill(0);

/** An epoch on L1 with its true trace, which is too long to keep. */
export interface LongEpoch extends DisputedEpoch {
  readonly trace: Trace;
}

/** Slots of every batch of an epoch of `steps` steps that consumes `entries` entries (RULES M-9: 1 a batch, 1 an entry, 2 a slot). */
function batchSizes(steps: number, entries: number): number[] {
  let batches = 1;
  while (batches * (2 * BATCH_SLOTS + 1) + entries < steps) batches += 1;
  const slots = (steps - entries - batches) / 2;
  return Array.from({ length: batches }, (_, b) => Math.floor((slots * (b + 1)) / batches) - Math.floor((slots * b) / batches));
}

/**
 * An epoch of exactly `steps` steps, a power of two of at least 128: deposits, then signed bundles of transfers between two accounts;
 * what is left of a batch is a smaller bundle. All of it is on L1, and every step can be proven.
 */
export async function createLongEpoch(k: number, steps: number, options: DisputeOptions = {}): Promise<LongEpoch> {
  const contracts = await deployDisputeContracts(k, { ...options, epochSteps: steps });
  const { inbox, signers, tick, now } = contracts;
  const deployer = signers[0]!;
  const accounts = [signers[0]!.address, signers[1]!.address];
  const perEntry = (entries: number): boolean => (steps - entries - batchSizes(steps, entries).length) % 2 === 0;
  const entryCount = [2, 3].find(perEntry)!;
  for (let n = 0; n < entryCount; n += 1) {
    await tick();
    await inbox.enqueueDeposit(deployer.address, accounts[n % 2]!, 1_000_000_000);
  }
  const domainSeparator = fromHex(await inbox.domainSeparator());
  const batches: BatchInput[] = [];
  const nonces = [0, 0];
  for (const slots of batchSizes(steps, entryCount)) {
    const data = new Uint8Array(slots * SLOT_BYTES);
    for (let at = 0, who = 0; at < slots; who = 1 - who) {
      const count = Math.min(RECORDS, slots - at - 1);
      if (count === 0) break;
      const records = Array.from({ length: count }, () => ({ op: "TRANSFER", fields: { to: 2 - who, amount: 1 } }) as const);
      data.set(signedBundle({ domainSeparator, key: DEVELOPMENT_KEYS[who]!, agent: 1 + who, nonce: nonces[who]!++, records }), at * SLOT_BYTES);
      at += BUNDLE_SLOTS;
    }
    await tick();
    const l2Time = await now();
    await submitBatch(inbox, l2Time, entryCount, hexlify(data));
    const header = (await inbox.queryFilter(inbox.filters.BatchSubmitted(), "latest"))[0]!.args;
    batches.push({ l2Time, queueEnd: entryCount, slots, dataRoot: fromHex(header.dataRoot), data });
  }
  const entries = (await inbox.queryFilter(inbox.filters.EntryQueued())).map(({ args }): EntryInput => ({
    kind: Number(args.kind), sender: fromHex(args.sender), account: fromHex(args.account), value: Number(args.value), slots: 0,
    dataRoot: fromHex(args.dataRoot), dueTime: Number(args.dueTime), data: new Uint8Array(),
  }));
  const trace = new Trace({
    start: { state: createState().exportSnapshot(), tree: createStateTree().snapshot() },
    batchEnd: batches.length,
    l1: { batch: (index) => batches[index]!, entry: (index) => entries[index]! },
    parameters: { domainSeparator, channels: TEST_CHANNELS, feeTable: NO_FEES },
  });
  const length = Number(await inbox.epochTrace(0));
  if (length !== steps || trace.length !== steps) throw new Error(`the epoch has ${length} steps on L1 and ${trace.length} here, not ${steps}`);
  return {
    ...contracts,
    trace,
    length,
    preState: toHex(trace.stateRootAt(0)),
    parent: await contracts.settlement.genesisClaim(),
    accumulator: await inbox.epochAccumulator(0),
    proofOf: (step) => trace.stepProofAt(step).proof,
  };
}
