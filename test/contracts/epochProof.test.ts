import { expect } from "chai";
import { getBytes, hexlify } from "ethers";

import { fromHex, toHex } from "../../core/codec/index.ts";
import type { BatchMeta } from "../../core/codec/index.ts";
import { recordStep, Trace } from "../../core/dispute/index.ts";
import type { RecordedStep } from "../../core/dispute/index.ts";
import { ERROR, KIND, PHASE } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import type { StateTree } from "../../core/state/index.ts";
import { Machine } from "../../core/transition/index.ts";
import type { BatchInput, EntryInput, L1Data } from "../../core/transition/index.ts";
import type { OneStepProver } from "../../typechain-types/index.ts";
import type { StepEnvStruct, StepProofStruct } from "../../typechain-types/root/OneStepProver.ts";
import { DEVELOPMENT_KEYS } from "../builders/localChain.ts";
import { claimState } from "../builders/claimState.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../builders/rollupContracts.ts";
import { signedBundle } from "../builders/signedBundle.ts";
import { submitBatch } from "../builders/submitBatch.ts";
import { TEST_CHANNELS } from "../builders/TestRollup.ts";

const NO_FEES = new Array<number>(24).fill(0);
const GWEI = 1_000_000_000n;
const SLOT_BYTES = 96;

/** What an inbox holds, read back from its events, and the data that were posted. */
async function readInbox({ inbox }: RollupContracts, batchData: readonly Uint8Array[]): Promise<L1Data> {
  const forced = new Map((await inbox.queryFilter(inbox.filters.ForcedData())).map(({ args }) => [args.index, getBytes(args.data)]));
  const entries = (await inbox.queryFilter(inbox.filters.EntryQueued())).map(
    ({ args }): EntryInput => ({
      kind: Number(args.kind),
      sender: fromHex(args.sender),
      account: fromHex(args.account),
      value: Number(args.value),
      slots: Number(args.slots),
      dataRoot: fromHex(args.dataRoot),
      dueTime: Number(args.dueTime),
      data: forced.get(args.index) ?? new Uint8Array(),
    }),
  );
  const batches = (await inbox.queryFilter(inbox.filters.BatchSubmitted())).map(({ args }, index): BatchInput => {
    const meta: BatchMeta = { l2Time: Number(args.l2Time), queueEnd: Number(args.queueEnd), slots: Number(args.slots), dataRoot: fromHex(args.dataRoot) };
    return { ...meta, data: batchData[index]! };
  });
  return { batch: (index) => batches[index]!, entry: (index) => entries[index]! };
}

describe("an epoch, proven step by step on the real contracts", () => {
  let scene: L1Scene;
  let prover: OneStepProver;
  let a: RollupContracts;
  let b: RollupContracts;
  let owner: string;
  const recipient = "0x00000000000000000000000000000000000000f1";
  const steps = new Map<RollupContracts, RecordedStep[]>();
  const trees = new Map<RollupContracts, StateTree>();
  const traces = new Map<RollupContracts, Trace>();

  const environment = async ({ inbox, game }: RollupContracts) => ({
    inbox: await inbox.getAddress(),
    domainSeparator: await inbox.domainSeparator(),
    batchEnd: await inbox.epochEnd(0),
    adjudicator: (await game.config()).adjudicator,
    feeTable: [0n, 0n, 0n] as [bigint, bigint, bigint],
  });

  /** Asks the prover about one step; the bindings want arrays that could be changed. */
  const prove = (env: StepEnvStruct, { preRoot, proof }: RecordedStep): Promise<string> =>
    prover.proveStep(env, toHex(preRoot), proof as unknown as StepProofStruct);

  before(async () => {
    scene = await createL1Scene();
    owner = scene.signers[0]!.address;
    prover = (await scene.ethers.getContractAt("OneStepProver", await scene.factory.prover())) as unknown as OneStepProver;
    a = await scene.createRollup({ feeTable: [0n, 0n, 0n] });
    b = await scene.createRollup({ feeTable: [0n, 0n, 0n] });
    // The same deposit, forced entry and batch on both; the bundle is signed for chain A.
    const domainSeparator = fromHex(await a.inbox.domainSeparator());
    const withdrawal = { op: "WITHDRAW", fields: { recipient: fromHex(recipient), amount: 400 } } as const;
    const data = signedBundle({ domainSeparator, key: DEVELOPMENT_KEYS[0], agent: 1, nonce: 0, records: [withdrawal] });
    for (const rollup of [a, b]) {
      await rollup.bridge.deposit(owner, 1_000n * GWEI, { value: 1_000n * GWEI });
      await rollup.inbox.force(new Uint8Array(2 * SLOT_BYTES).fill(7), { value: 10n ** 6n });
      await submitBatch(rollup.inbox, await scene.now(), 2, hexlify(data));

      const domain = fromHex(await rollup.inbox.domainSeparator());
      const machine = new Machine(createState(), { domainSeparator: domain, channels: TEST_CHANNELS, feeTable: NO_FEES });
      const tree = createStateTree();
      const l1 = await readInbox(rollup, [data]);
      const recorded: RecordedStep[] = [];
      do recorded.push(recordStep(machine, tree, 1, l1));
      while (toHex(recorded.at(-1)!.preRoot) !== toHex(recorded.at(-1)!.postRoot));
      steps.set(rollup, recorded);
      trees.set(rollup, tree);
      const start = { state: createState().exportSnapshot(), tree: createStateTree().snapshot() };
      traces.set(rollup, new Trace({ start, batchEnd: 1, l1, parameters: { domainSeparator: domain, channels: TEST_CHANNELS, feeTable: NO_FEES } }));
    }
  });
  after(() => scene.close());

  it("steps: each leads from root to root as the machine says, on either chain, and fit the trace's length (M-9)", async () => {
    for (const rollup of [a, b]) {
      const recorded = steps.get(rollup)!;
      const env = await environment(rollup);
      for (const step of recorded) expect(await prove(env, step)).to.equal(toHex(step.postRoot));
      // The last one is the identity.
      expect(recorded.length - 1).to.be.at.most(Number(await rollup.inbox.epochTrace(0)));
    }
  });

  it("trace: has as many steps as the Inbox counts, and the roots and proofs of plain stepping", async () => {
    for (const rollup of [a, b]) {
      const trace = traces.get(rollup)!;
      expect(BigInt(trace.length)).to.equal(await rollup.inbox.epochTrace(0));
      const recorded = steps.get(rollup)!;
      for (const [step, expected] of recorded.entries()) expect(trace.stepProofAt(step)).to.deep.equal(expected);
      expect(toHex(trace.stateRootAt(trace.length))).to.equal(toHex(recorded.at(-1)!.postRoot));
      // What is left over proves itself too (M-1).
      const last = trace.stepProofAt(trace.length - 1);
      expect(await prove(await environment(rollup), last)).to.equal(toHex(last.postRoot));
    }
  });

  it("proof of one chain: is refused on the other wherever it reads the inbox", async () => {
    const env = { ...(await environment(a)), inbox: await b.inbox.getAddress() };
    const phases = new Set<number>();
    for (const step of steps.get(a)!.slice(0, -1)) {
      const { trace } = step;
      if (trace.phase === PHASE.VERIFY) continue;
      phases.add(trace.phase);
      const error = trace.phase === PHASE.INBOX || trace.entry !== null ? "BadEntry" : "BadBatch";
      await expect(prove(env, step)).to.be.revertedWithCustomError(prover, error);
    }
    expect([...phases].sort()).to.deep.equal([PHASE.IDLE, PHASE.INBOX, PHASE.SLOTS, PHASE.ABSORB, PHASE.EXEC].sort());
  });

  it("signature of one chain: is no signature on the other", async () => {
    const verify = (rollup: RollupContracts): RecordedStep => steps.get(rollup)!.find(({ trace }) => trace.phase === PHASE.VERIFY)!;
    expect(verify(a).trace.outcome).to.equal(ERROR.OK);
    expect(verify(b).trace.outcome).to.equal(ERROR.H_SIGNATURE);
    // Under B's domain the step writes something else, so that the proof made for A does not fit.
    await expect(prove(await environment(b), verify(a))).to.be.revertedWithCustomError(prover, "BadRoot");
  });

  it("withdrawal: is paid from the proven state of its own chain, and the other has none", async () => {
    const rootOf = (rollup: RollupContracts): string => toHex(steps.get(rollup)!.at(-1)!.postRoot);
    const ids = new Map<RollupContracts, string>();
    for (const rollup of [a, b]) {
      expect(toHex(steps.get(a)![0]!.preRoot)).to.equal((await rollup.settlement.latestConfirmed()).stateRoot);
      ids.set(rollup, (await claimState(rollup, { stateRoot: rootOf(rollup) })).claimId);
    }
    await scene.networkHelpers.time.increase(100);
    await a.settlement.confirm(ids.get(a)!);
    await b.settlement.confirm(ids.get(b)!);
    await scene.networkHelpers.time.increase(100);

    const words = (bytes: Uint8Array): string[] => Array.from({ length: bytes.length / 32 }, (_, i) => toHex(bytes.subarray(32 * i, 32 * i + 32)));
    const leafBytes = steps.get(a)!.flatMap(({ leaves }) => leaves).filter(({ kind }) => kind === KIND.WITHDRAWAL).at(-1)!.after;
    const leaf = words(leafBytes) as [string, string, string, string];
    const proof = words(trees.get(a)!.proof(KIND.WITHDRAWAL, 0));
    await expect(b.bridge.withdraw(0, leaf, proof, ids.get(b)!)).to.be.revertedWithCustomError(b.bridge, "BadProof");
    await expect(b.bridge.withdraw(0, leaf, proof, ids.get(a)!)).to.be.revertedWithCustomError(b.settlement, "NotConfirmed");
    await expect(a.bridge.withdraw(0, leaf, proof, ids.get(a)!)).to.changeEtherBalance(scene.ethers, recipient, 400n * GWEI);
  });
});
