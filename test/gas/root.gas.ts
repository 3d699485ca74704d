import { toBeHex, Wallet, ZeroAddress } from "ethers";
import type { ContractTransactionResponse } from "ethers";

import type { HostileRecipient, TestIdentityRegistry, TestToken } from "../../typechain-types/index.ts";
import { callSlots, randomSlots, transferSlots } from "../builders/batchData.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { signHeadFor } from "../builders/signedHead.ts";
import type { HeadStruct } from "../builders/signedHead.ts";
import { sparseState, withdrawalLeaf } from "../builders/stateTree.ts";
import type { SparseLeaf } from "../builders/stateTree.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const START_TIME = 2_000_000_000;
const GWEI = 1_000_000_000n;
const WITHDRAWAL = 9;
const WITHDRAWAL_DEPTH = 16;
/** Between two blocks. */
const STEP_SECONDS = 12;
const SET_SLOT_SECONDS = 24;

/** A state in which no sibling of withdrawal 0 is zero: a proof at full depth costs no more than this. */
function fullState(recipient: string, amount: bigint) {
  const filler = [toBeHex(1, 32), toBeHex(2, 32), toBeHex(3, 32), toBeHex(4, 32)];
  const leaves: SparseLeaf[] = [];
  for (let level = 0; level < WITHDRAWAL_DEPTH; level++) {
    for (const child of [1n, 2n, 3n]) {
      leaves.push({ kind: WITHDRAWAL, depth: WITHDRAWAL_DEPTH, index: child * 4n ** BigInt(level), words: withdrawalLeaf({ recipient, amount }) });
    }
  }
  leaves.push({ kind: WITHDRAWAL, depth: WITHDRAWAL_DEPTH, index: 0n, words: withdrawalLeaf({ recipient, amount }) });
  for (const kind of [1, 2, 5, 8, 10, 11, 12]) leaves.push({ kind, depth: 1, index: 0n, words: filler });
  return sparseState(leaves);
}

type Measure = (name: string | undefined, send: () => Promise<ContractTransactionResponse>) => Promise<void>;

/** A chain with operators: what joining, leading, leaving and two heads for one place cost. */
async function measureSet({ signers, createRollup }: L1Scene, measure: Measure, timeNow: () => number): Promise<void> {
  const { sequencerSet: set, inbox } = await createRollup({ operatorBondWei: 1_000n, slotSeconds: SET_SLOT_SECONDS, vacancySeconds: 1_200, graceSeconds: 6, epochAgeSeconds: 600 });
  const key = new Wallet(toBeHex(11, 32));
  await measure("SequencerSet.join (the chain's first)", () => set.join(key.address, { value: 1_000 }));
  await measure("SequencerSet.join", () => set.connect(signers[1]!).join(key.address, { value: 1_000 }));
  for (let index = 2; index < 5; index++) await measure(undefined, () => set.connect(signers[index]!).join(key.address, { value: 1_000 }));
  // Two batches a slot, through turns enough that every operator has a fifth one that counts: four fill a word.
  for (let posted = 0; posted < 55; posted++) {
    const time = timeNow() + STEP_SECONDS;
    const slot = Math.floor(time / SET_SLOT_SECONDS);
    const leader = await set.leaderOf(slot);
    const sender = signers.find(({ address }) => address === leader) ?? signers[0]!;
    const [worked, lastAt] = [await set.workOf(sender.address, posted), Number(await set.lastBatchAt(sender.address))];
    const which = Math.floor(lastAt / SET_SLOT_SECONDS) === slot ? "again in its slot" : worked === 0n ? "its first" : worked % 4n === 0n ? "its fifth slot" : "";
    await measure(`Inbox.submitBatch (1 slot, by a leader of a SequencerSet${which === "" ? "" : `, ${which}`})`, () => submitBatch(inbox.connect(sender), timeNow(), 0n, randomSlots(1)));
  }
  await measure("SequencerSet.unbond", () => set.connect(signers[1]!).unbond());
  const domain = { chainId: 31337, inbox: await inbox.getAddress() };
  const [a, b] = [1, 2].map((head) => ({ slot: 10 ** 9, position: 7, head: toBeHex(head, 32) })) as [HeadStruct, HeadStruct];
  const [sigA, sigB] = [await signHeadFor(key, a, domain), await signHeadFor(key, b, domain)];
  await measure("SequencerSet.reportHeads", () => set.connect(signers[9]!).reportHeads(signers[0]!.address, a, sigA, b, sigB));
  await measure("SequencerSet.withdrawCredit", () => set.connect(signers[9]!).withdrawCredit(signers[9]!.address));
}

/** Gas of every call of the root contracts. Times are fixed: a zero byte more or less in calldata changes the figures. */
export async function measureGas(): Promise<Record<string, number>> {
  const scene = await createL1Scene();
  const { signers, ethers } = scene;
  const [me, other] = [signers[0]!.address, signers[1]!.address];
  const figures: Record<string, number> = {};
  let time = START_TIME;
  const measure = async (name: string | undefined, send: () => Promise<ContractTransactionResponse>): Promise<void> => {
    await scene.setNextTime((time += STEP_SECONDS));
    const receipt = await (await send()).wait();
    if (name !== undefined) figures[name] = Number(receipt!.gasUsed);
  };

  try {
    await scene.setNextTime(time);
    const registry = (await ethers.deployContract("TestIdentityRegistry")) as unknown as TestIdentityRegistry;
    await registry.register("");
    await measure("RollupFactory.create", async () => {
      const config = { sequencer: me, sequencerAuth: ZeroAddress, identityRegistry: await registry.getAddress(), feeRecipient: other, asset: ZeroAddress, guardian: ZeroAddress };
      const amounts = { assetScale: GWEI, forcedSlotFeeWei: 1_000n, bondWei: 3_200n, gasRefundWei: 400n, rewardCapWei: 100n, moveBondWei: 7n, operatorBondWei: 0n, epochSteps: 10n ** 9n };
      const times = { epochAgeSeconds: 3_600, inclusionDelaySeconds: 43_200, windowSeconds: 86_400, joinSeconds: 86_400, clockSeconds: 72_000, incrementSeconds: 3_600, parts: 16, payoutDelaySeconds: 86_400, guardianSeconds: 0, slotSeconds: 600, vacancySeconds: 43_200, graceSeconds: 60 };
      return scene.factory.create({ ...config, ...amounts, ...times, feeTable: [1n, 2n, 3n] }, toBeHex(7, 32));
    });
    const { inbox, bridge, settlement } = await scene.createRollup({
      identityRegistry: await registry.getAddress(),
      feeRecipient: other,
      inclusionDelaySeconds: 100_000,
      clockSeconds: 100_000,
      epochAgeSeconds: 600,
      epochSteps: 10n ** 9n,
    });
    const ether = 10n ** 18n;
    await measure("Bridge.deposit (ETH, the chain's first)", () => bridge.deposit(me, ether, { value: ether }));
    await measure("Bridge.deposit (ETH)", () => bridge.deposit(me, ether, { value: ether }));
    await measure("Bridge.deposit (ETH, for another account)", () => bridge.deposit(other, 123_456n * GWEI, { value: 123_456n * GWEI }));

    const batchOf = (data: Uint8Array, end: bigint) => () => submitBatch(inbox, time, end, data);
    const batch = (slots: number, end: bigint) => batchOf(randomSlots(slots), end);
    await measure("Inbox.submitBatch (0 slots, 3 entries, the chain's first)", batch(0, 3n));
    await measure("Inbox.submitBatch (0 slots)", batch(0, 3n));
    await measure("Inbox.submitBatch (1 slot)", batch(1, 3n));
    for (const slots of [64, 512, 1_360, 4_096]) {
      // Without structure, calls and answers in bundles of 64, transfers in bundles of 512: ever more zeros.
      for (const [what, data] of [["", randomSlots(slots)], [" of calls", callSlots(slots, 64)], [" of transfers", transferSlots(slots, 512)]] as const) {
        const name = `Inbox.submitBatch (${slots} slots${what})`;
        await measure(name, batchOf(data, 3n));
        figures[`${name}, per slot`] = Math.round(figures[name]! / slots);
      }
    }
    await measure("Inbox.force (1 slot)", () => inbox.force(randomSlots(1), { value: 10n ** 9n }));
    await measure("Inbox.force (64 slots)", () => inbox.force(randomSlots(64), { value: 10n ** 9n }));
    await measure("Inbox.linkAgent", () => inbox.linkAgent(0));
    await measure("Inbox.sweepFees", () => inbox.sweepFees());
    for (let i = 0; i < 96; i++) await measure(undefined, () => bridge.deposit(me, GWEI, { value: GWEI }));
    await measure("Inbox.submitBatch (0 slots, 100 entries, closes the epoch)", batch(0, 103n));
    await measure(undefined, batch(0, 103n));
    time += 600;
    await measure("Inbox.closeEpoch", () => inbox.closeEpoch());

    const recipient = other;
    const state = fullState(recipient, 1_000n);
    const genesis = await settlement.genesisClaim();
    const [first, second] = [await inbox.epochAccumulator(0), await inbox.epochAccumulator(1)];
    const claimId = await settlement.claimIdOf(genesis, 1, 0, state.root);
    await measure("Settlement.claim", () => settlement.claim(genesis, 1, 0, state.root, first, me, { value: 3_200 }));
    await measure("Settlement.back", () => settlement.connect(signers[2]!).back(claimId, me, { value: 3_300 }));
    time += 50;
    await measure("Settlement.confirm (the chain's first)", () => settlement.confirm(claimId));
    const roundId = await settlement.roundIdOf(genesis, 1);
    await measure("Settlement.release", () => settlement.release(roundId, 0));
    await measure("Settlement.withdrawCredit", () => settlement.withdrawCredit(me));
    const hostile = (await ethers.deployContract("HostileRecipient")) as unknown as HostileRecipient;
    await hostile.setMode(1);
    const refusing = await hostile.getAddress();
    const laterState = fullState(refusing, 1_000n);
    await measure(undefined, () => settlement.claim(claimId, 1, 1, laterState.root, second, me, { value: 3_200 }));
    const later = await settlement.claimIdOf(claimId, 1, 1, laterState.root);
    time += 50;
    await measure("Settlement.confirm", () => settlement.confirm(later));

    time += 86_400;
    const withdraw = (index: bigint, to: string, from: typeof state, id: string) => () =>
      bridge.withdraw(index, withdrawalLeaf({ recipient: to, amount: 1_000n }), from.proof(WITHDRAWAL, index), id);
    await measure("Bridge.withdraw (full proof, first of its 256)", withdraw(0n, recipient, state, claimId));
    await measure("Bridge.withdraw (full proof)", withdraw(1n, recipient, state, claimId));
    await measure("Bridge.withdraw (full proof, recipient refuses)", withdraw(2n, refusing, laterState, later));
    await measure("Bridge.withdrawClaimable", () =>
      hostile.execute(bridge, 0, bridge.interface.encodeFunctionData("withdrawClaimable", [other])),
    );

    await measureSet(scene, measure, () => time);
    const token = (await ethers.deployContract("TestToken")) as unknown as TestToken;
    const ofToken = await scene.createRollup({ asset: await token.getAddress(), assetScale: 1n });
    await measure(undefined, () => token.mint(me, ether));
    await measure(undefined, () => token.approve(ofToken.bridge, ether));
    await measure(undefined, () => ofToken.bridge.deposit(me, 1_000_000));
    await measure("Bridge.deposit (ERC-20)", () => ofToken.bridge.deposit(me, 1_000_000));
    return figures;
  } finally {
    await scene.close();
  }
}
