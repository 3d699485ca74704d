import { hexlify } from "ethers";

import { channelDomain } from "../../core/channel/index.ts";
import { fromHex } from "../../core/codec/index.ts";
import { ExitState } from "../../core/exit/index.ts";
import type { Exit } from "../../core/exit/index.ts";
import type { EntryInput } from "../../core/transition/index.ts";
import { depositEntry, FEE, playExitStory } from "./exitStory.ts";
import type { ExitStory } from "./exitStory.ts";
import { claimState } from "./claimState.ts";
import { TEST_CONFIG } from "./rollupContracts.ts";
import type { L1Scene, RollupContracts } from "./rollupContracts.ts";
import { submitBatch } from "./submitBatch.ts";

export const GWEI = 1_000_000_000n;
export const EPOCH_AGE = 700;
export const GUARDIAN_SECONDS = 500;
/** Of `TEST_CONFIG`: W + D + 2 (C0 + 65 e). */
export const DISPUTE_BOUND = 50 + 40 + 2 * (60 + 65 * 5);
/** From the last sign of life to `declare`. */
export const EXODUS_DELAY = 2 * DISPUTE_BOUND + GUARDIAN_SECONDS;
export const PAYOUT_DELAY = Number(TEST_CONFIG.payoutDelaySeconds);

/** A chain whose state S has money everywhere, is confirmed, and is followed by more that never will be. */
export interface DeadChain extends RollupContracts {
  readonly story: ExitStory;
  /** S, with its proofs. */
  readonly last: ExitState;
  readonly exits: readonly Exit[];
  readonly claimId: string;
  readonly confirmedAt: number;
  readonly feeRecipient: string;
  /** All entries of the queue: 0 to 3 are in S, 4 is a deposit in a later batch, 5 forced, 6 a deposit that no batch took. */
  readonly entries: readonly EntryInput[];
  /** Who made deposits 4 and 6, of 40,000 and 60,000 units. */
  readonly depositor: string;
  /** Units. */
  readonly held: bigint;
  payLeaf(exit: Exit): ReturnType<RollupContracts["exodus"]["payLeaf"]>;
  refund(index: number): ReturnType<RollupContracts["exodus"]["refundDeposit"]>;
  /** Lets the delay pass, declares. */
  declare(): Promise<void>;
  /** Declares, fixes S, and lets the payout delay pass. */
  end(): Promise<void>;
}

/** The fee of every operation, as the contracts hold it. */
const FEES = BigInt(`0x${FEE.toString(16).padStart(8, "0").repeat(8)}`);

/** Plays the story on fresh contracts; `units` of the asset are `assetScale` base units. */
export async function createDeadChain(scene: L1Scene, config: Parameters<L1Scene["createRollup"]>[0] = {}): Promise<DeadChain> {
  const { signers, networkHelpers } = scene;
  const feeRecipient = signers[8]!.address;
  const rollup = await scene.createRollup({
    feeRecipient, feeTable: [FEES, FEES, FEES], epochAgeSeconds: EPOCH_AGE, guardian: signers[9]!.address, guardianSeconds: GUARDIAN_SECONDS, ...config,
  });
  const { inbox, bridge, settlement, exodus, game } = rollup;
  const { asset, assetScale } = await bridge.config();
  const depositor = signers[5]!;
  const depositFrom = async (from: typeof depositor, account: string, units: number) => {
    const amount = BigInt(units) * assetScale;
    await bridge.connect(from).deposit(account, amount, { value: BigInt(asset) === 0n ? amount : 0n });
    const { args } = (await inbox.queryFilter(inbox.filters.EntryQueued())).at(-1)!;
    return depositEntry({ sender: args.sender, account: args.account, value: args.value, dueTime: args.dueTime }, fromHex);
  };
  const story = await playExitStory({
    domainSeparator: fromHex(await inbox.domainSeparator()),
    channels: channelDomain({ chainId: 31337, adjudicator: fromHex((await game.config()).adjudicator, 20) }),
    now: () => scene.now(),
    deposit: (account, units) => depositFrom(signers[0]!, account, units),
    async submit(l2Time, data) {
      await submitBatch(inbox, l2Time, await inbox.entryCount(), hexlify(data));
    },
  });
  await networkHelpers.time.increase(EPOCH_AGE);
  await inbox.closeEpoch();

  const last = new ExitState(story.rollup.parameters);
  for (const batch of story.rollup.batches) last.execute(batch, (index) => story.rollup.entries[index]!);
  const exits = last.exits(feeRecipient.toLowerCase());
  const { claimId } = await claimState(rollup, { stateRoot: last.root() });
  await networkHelpers.time.increase(TEST_CONFIG.windowSeconds);
  await settlement.confirm(claimId);
  const confirmedAt = await scene.now();
  await networkHelpers.time.increase(PAYOUT_DELAY);
  const paid = last.open({ kind: 9, index: story.withdrawals.paid });
  await bridge.withdraw(story.withdrawals.paid, [...paid.words], [...paid.siblings], claimId);

  story.rollup.enqueue(await depositFrom(depositor, depositor.address, 40_000));
  await submitBatch(inbox, await scene.now(), await inbox.entryCount(), "0x");
  await inbox.force(new Uint8Array(96), { value: 10_000n });
  const { args: forced } = (await inbox.queryFilter(inbox.filters.EntryQueued())).at(-1)!;
  story.rollup.enqueue({ kind: Number(forced.kind), sender: fromHex(forced.sender), data: new Uint8Array(96), dueTime: Number(forced.dueTime) });
  story.rollup.enqueue(await depositFrom(depositor, depositor.address, 60_000));

  const declare = async (): Promise<void> => {
    await scene.setNextTime(Number(await exodus.declarableAt()));
    await exodus.declare();
  };
  const { entries } = story.rollup;
  return {
    ...rollup, story, last, exits, claimId, confirmedAt, feeRecipient, entries, depositor: depositor.address, declare,
    held: await bridge.heldUnits(),
    payLeaf(exit) {
      const { leaf, context } = last.prove(exit);
      return exodus.payLeaf(structOf(leaf), context.map(structOf));
    },
    refund: (index) => exodus.refundDeposit(index, entryStruct(entries[index]!), structOf(last.machine())),
    async end() {
      await declare();
      await exodus.finalise();
      await networkHelpers.time.increase(PAYOUT_DELAY);
    },
  };
}

/** A leaf as ethers takes it. */
export function structOf({ kind, index, words, siblings }: ReturnType<ExitState["open"]>) {
  return { kind, index, words: [...words] as [string, string, string, string], siblings: [...siblings] };
}

/** An entry as ethers takes it. */
export function entryStruct({ kind, sender, account, value, slots, dataRoot, dueTime }: EntryInput) {
  return { kind, sender: hexlify(sender), account: hexlify(account), value, slots, dataRoot: hexlify(dataRoot), dueTime };
}
