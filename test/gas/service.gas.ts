import { AbiCoder, ZeroAddress, ZeroHash, toBeHex } from "ethers";
import type { ContractTransactionResponse } from "ethers";

import type { BountyTerms } from "../../chain/bounties/BountyTerms.ts";
import { termsStruct } from "../../chain/bounties/BountyTerms.ts";
import { DEPTH, KIND } from "../../core/generated/protocol.ts";
import type { BatchMeter, BountyBoard } from "../../typechain-types/index.ts";
import { claimState } from "../builders/claimState.ts";
import { createServiceScene } from "../builders/serviceScene.ts";
import type { AccountFields, ProvenState, ReceiptFields, ServiceScene } from "../builders/serviceScene.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const [BEA, CAL] = [1, 2];
const SLOT_SECONDS = 100;
const UNIT_WEI = 1_000_000n;
const POOL_WEI = 1_000_000_000n;
const gasOf = async (sent: Promise<ContractTransactionResponse>): Promise<number> => Number((await (await sent).wait())!.gasUsed);

/** Indices of leaves beside the first four's path, one for every sibling. */
const beside = (depth: number): number[] => Array.from({ length: depth }, (_, level) => [1, 2, 3].map((child) => child * 4 ** level)).flat();

/** A state in which almost no sibling is zero: proofs cost no more than this. */
async function fullState(scene: ServiceScene, accounts: Readonly<Record<number, AccountFields>>, receipts: Readonly<Record<number, ReceiptFields>>): Promise<ProvenState> {
  const filler = [1, 2, 3, 4].map((word) => toBeHex(word, 32));
  const others = [0, 1, 3, 4, 9, 10, 11, 12].map((kind) => ({ kind, depth: 1, index: 0n, words: filler }));
  const stranger = scene.l1.signers[9]!.address;
  const manyAccounts = Object.fromEntries([0, ...beside(DEPTH.AGENT)].map((index) => [index, { owner: stranger }]));
  const manyReceipts = Object.fromEntries([0, ...beside(DEPTH.RECEIPT)].map((index) => [index, { requester: 9, provider: 9 }]));
  return await scene.confirm({ ...manyAccounts, ...accounts }, { ...manyReceipts, ...receipts }, others.filter(({ kind }) => kind !== KIND.AGENT && kind !== KIND.RECEIPT));
}

/** Gas of proven calls and of the feedback of those who made them, and of a sequencer's meter. */
export async function measureGas(): Promise<Record<string, number>> {
  const scene = await createServiceScene();
  const { proofs, reputation, identity, l1 } = scene;
  const [, bea, cal] = l1.signers;
  const figures: Record<string, number> = {};
  try {
    await identity.connect(bea!)["register()"]();
    const accounts = { [BEA]: { owner: bea!.address, agentId: 0 }, [CAL]: { owner: cal!.address } };
    const call = { requester: CAL, provider: BEA };
    const young = await scene.confirm(accounts, { 0: call, 1: call });
    figures["ProofOfService.prove (two receipts, two accounts; the agent's first call)"] = await gasOf(scene.prove(young, 0, [CAL, BEA]));
    figures["ProofOfService.prove (two receipts, two accounts)"] = await gasOf(scene.prove(young, 1, [CAL, BEA]));
    const full = await fullState(scene, accounts, { 2: call, 3: call });
    await scene.prove(full, 2, [CAL, BEA]);
    figures["ProofOfService.prove (no sibling zero)"] = await gasOf(scene.prove(full, 3, [CAL, BEA]));
    const say = (value: number) => reputation.connect(cal!).giveFeedback(0, value, 0, "quality", "latency", "", "", ZeroHash);
    for (const value of [80, 90]) await say(value);
    figures["ProofOfService.attachFeedback (an agent's first)"] = await gasOf(proofs.attachFeedback(0, cal!.address, 1));
    figures["ProofOfService.attachFeedback (in the former's place)"] = await gasOf(proofs.attachFeedback(0, cal!.address, 2));
    await reputation.connect(cal!).revokeFeedback(0, 2);
    figures["ProofOfService.detachFeedback"] = await gasOf(proofs.detachFeedback(0, cal!.address));

    return { ...figures, ...(await measureMeter(scene)) };
  } finally {
    await scene.close();
  }
}

/** A sequencer that is hired by the confirmed batch: what its meter costs, and each claim of its pay. */
async function measureMeter({ l1, identity }: ServiceScene): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const [owner, bea] = [l1.signers[0]!, l1.signers[1]!];
  const deploy = (name: string, ...args: readonly unknown[]) => l1.ethers.deployContract(name, args as unknown[]);
  const chain = await l1.createRollup({ operatorBondWei: 1_000n, windowSeconds: 1, joinSeconds: 1 });
  await chain.sequencerSet.connect(bea).join(bea.address, { value: 1_000n });
  let time = (Math.floor((await l1.now()) / SLOT_SECONDS) + 2) * SLOT_SECONDS;
  /** A counted batch in a slot of its own, confirmed. */
  const work = async (): Promise<void> => {
    time += SLOT_SECONDS;
    await l1.setNextTime(time);
    await submitBatch(chain.inbox.connect(bea), time, 0n, "0x");
    const { claimId } = await claimState(chain, { stateRoot: toBeHex(time, 32) });
    await l1.networkHelpers.time.increase(5);
    await chain.settlement.confirm(claimId);
  };
  await work();
  const meter = (await deploy("BatchMeter")) as unknown as BatchMeter;
  const params = AbiCoder.defaultAbiCoder().encode(["address", "address", "uint32", "uint32"], [await chain.settlement.getAddress(), await chain.sequencerSet.getAddress(), 900, 600]);
  figures["BatchMeter.begin"] = await gasOf(meter.begin(7, bea.address, 0, params));
  figures["BatchMeter.begin (another round)"] = await gasOf(meter.begin(7, bea.address, 0, params));

  const escrow = await deploy("JobEscrow", owner.address, 0, owner.address);
  const board = (await deploy("BountyBoard", await escrow.getAddress(), await identity.getAddress(), owner.address, 0, owner.address)) as unknown as BountyBoard;
  const terms: BountyTerms = {
    role: "SEQUENCER", kind: "METERED", maxRounds: 1, unruledBps: 0, token: ZeroAddress, fundingSeconds: 1_000, goal: POOL_WEI, ceiling: UNIT_WEI, stake: POOL_WEI, minProvenCalls: 0n, proofOfService: ZeroAddress,
    commitSeconds: 0, revealSeconds: 0, awardSeconds: 1_000, workSeconds: 86_400, settleSeconds: 1_000, evaluator: ZeroAddress, reviewSeconds: 0, disputeSeconds: 0, rulingSeconds: 0, arbiter: ZeroAddress,
    bidder: bea.address, source: await meter.getAddress(), shares: [], sourceParams: params,
  };
  const document = { uri: "data:text/plain,work", hash: ZeroHash };
  await board.post(termsStruct(terms), document, document, POOL_WEI, { value: POOL_WEI });
  await board.connect(bea).take(1, 0, { value: POOL_WEI });
  await work();
  figures["BountyBoard.claimUnits (a confirmed batch, the first claim)"] = await gasOf(board.claimUnits(1));
  for (let batch = 0; batch < 20; batch += 1) await work();
  figures["BountyBoard.claimUnits (confirmed batches, a later claim)"] = await gasOf(board.claimUnits(1));
  return figures;
}
