import { getBytes, hexlify, keccak256, toUtf8Bytes } from "ethers";

import { fromHex, toHex } from "../../core/codec/index.ts";
import { recordStep } from "../../core/dispute/index.ts";
import type { RecordedStep } from "../../core/dispute/index.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import { Machine } from "../../core/transition/index.ts";
import { deployDisputeContracts, DISPUTE } from "./disputeContracts.ts";
import type { DisputeContracts, DisputeOptions } from "./disputeContracts.ts";
import { DEVELOPMENT_KEYS } from "./localChain.ts";
import { concatBytes, signedBundle } from "./signedBundle.ts";
import { submitBatch } from "./submitBatch.ts";
import { TEST_CHANNELS } from "./TestRollup.ts";

export { DISPUTE };

const NO_FEES = new Array<number>(24).fill(0);

/** Contracts with one closed epoch to dispute about. */
export interface DisputedEpoch extends DisputeContracts {
  /** Steps of the epoch. */
  readonly length: number;
  /** The state before it. */
  readonly preState: string;
  readonly parent: string;
  readonly accumulator: string;
  /** Proof of step `step`, from the true state before it. */
  proofOf(step: number): RecordedStep["proof"];
}

/** A short epoch with all of its true trace. */
export interface DisputeScene extends DisputedEpoch {
  /** True roots after 0, 1, … steps of the epoch, padding included. */
  readonly roots: readonly string[];
  readonly steps: readonly RecordedStep[];
}

/** A trace that is true before `from` steps and made up from there on. */
export function lyingRoots(roots: readonly string[], from: number, seed = "lie"): string[] {
  return roots.map((root, step) => (step < from ? root : keccak256(toUtf8Bytes(`${seed} ${step}`))));
}

export interface SceneOptions extends DisputeOptions {
  /** Slots of garbage behind the bundle: two steps each, so that a trace can be longer. */
  readonly garbageSlots?: number;
  /** Deposits of 1,000 units that the batch consumes; 1 unless given. */
  readonly deposits?: number;
  /** No bundle: garbage is all there is. */
  readonly hasNoBundle?: boolean;
}

/** A deposit of 1,000 units, and a withdrawal of 400 of them. */
export async function createDisputeScene(k: number, { garbageSlots = 0, deposits = 1, hasNoBundle = false, ...options }: SceneOptions = {}): Promise<DisputeScene> {
  const contracts = await deployDisputeContracts(k, options);
  const { inbox, signers, tick, now } = contracts;
  const deployer = signers[0]!;
  for (let n = 0; n < deposits; n += 1) {
    await tick();
    await inbox.enqueueDeposit(deployer.address, deployer.address, 1_000);
  }
  const domainSeparator = fromHex(await inbox.domainSeparator());
  const records = [{ op: "WITHDRAW", fields: { recipient: getBytes(`0x${"f1".repeat(20)}`), amount: 400 } } as const];
  const bundle = hasNoBundle ? new Uint8Array() : signedBundle({ domainSeparator, key: DEVELOPMENT_KEYS[0], agent: 1, nonce: 0, records });
  const data = concatBytes(bundle, new Uint8Array(garbageSlots * SLOT_BYTES).fill(7));
  await tick();
  await submitBatch(inbox, await now(), deposits, hexlify(data));

  const entries = (await inbox.queryFilter(inbox.filters.EntryQueued())).map(({ args }) => ({
    kind: Number(args.kind), sender: fromHex(args.sender), account: fromHex(args.account), value: Number(args.value), slots: 0,
    dataRoot: fromHex(args.dataRoot), dueTime: Number(args.dueTime), data: new Uint8Array(),
  }));
  const header = (await inbox.queryFilter(inbox.filters.BatchSubmitted()))[0]!.args;
  const batch = { l2Time: Number(header.l2Time), queueEnd: Number(header.queueEnd), slots: Number(header.slots), dataRoot: fromHex(header.dataRoot), data };
  const machine = new Machine(createState(), { domainSeparator, channels: TEST_CHANNELS, feeTable: NO_FEES });
  const tree = createStateTree();
  const steps: RecordedStep[] = [];
  const length = Number(await inbox.epochTrace(0));
  for (let step = 0; step < length; step += 1) steps.push(recordStep(machine, tree, 1, { batch: () => batch, entry: (index) => entries[index]! }));
  const roots = [toHex(steps[0]!.preRoot), ...steps.map(({ postRoot }) => toHex(postRoot))];
  return {
    ...contracts,
    roots,
    steps,
    length,
    preState: roots[0]!,
    parent: await contracts.settlement.genesisClaim(),
    accumulator: await inbox.epochAccumulator(0),
    proofOf: (step) => steps[step]!.proof,
  };
}
