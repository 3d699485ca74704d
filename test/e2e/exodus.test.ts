import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { hexlify, Wallet } from "ethers";

import { connectSequencerSet } from "../../chain/connectContracts.ts";
import { channelDomain } from "../../core/channel/index.ts";
import { encodeHeader, encodeRecord, fromHex, toHex } from "../../core/codec/index.ts";
import type { ExitState } from "../../core/exit/index.ts";
import { AUTH, KIND } from "../../core/generated/protocol.ts";
import { exitStateAt } from "../builders/exitStateAt.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica } from "../../derivation/Replica.ts";
import { claimState } from "../builders/claimState.ts";
import { entryStruct, structOf } from "../builders/deadChain.ts";
import { until } from "../builders/until.ts";
import { depositEntry, playExitStory } from "../builders/exitStory.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { ChainKind, LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { submitBatch } from "../builders/submitBatch.ts";
import { joinBytes } from "../builders/TestRollup.ts";

const [OPERATOR, VICTIM, STRANGER] = DEVELOPMENT_KEYS;
const FEE_RECIPIENT = "0x00000000000000000000000000000000000fee00";
const GWEI = 1_000_000_000n;
const INCLUSION_DELAY = 100;
const MAX_LAG = 24 * 3_600;
const WINDOW = 60;
const EPOCH_AGE = 300;
/** More than any batch of these stories needs. */
const BATCH_GAS = 10_000_000n;
const VACANCY = 3_600;
const BOND = 10n ** 18n;
const CONFIG = {
  sequencer: new Wallet(OPERATOR).address, inclusionDelaySeconds: INCLUSION_DELAY, windowSeconds: WINDOW, joinSeconds: 60, clockSeconds: 200,
  payoutDelaySeconds: 20, feeRecipient: FEE_RECIPIENT, guardian: new Wallet(OPERATOR).address, guardianSeconds: 100,
};

/** A chain on a local L1, and somebody who only reads L1. */
interface Stage {
  readonly chain: LocalChain;
  readonly rollup: RollupOnChain;
  readonly replica: Replica;
  now(): Promise<number>;
  /** The next block has this time. */
  at(seconds: number): Promise<void>;
  skip(seconds: number): Promise<void>;
  /** A batch by the operator, at this time of its own or now. */
  batch(queueEnd: bigint | number, l2Time?: number, data?: Uint8Array): Promise<void>;
  balanceOf(address: string): Promise<bigint>;
  stop(): Promise<void>;
}

async function startStage(kind: ChainKind, config: Parameters<typeof deployRollupOn>[1] = {}): Promise<Stage> {
  const chain = await startLocalChain(kind);
  const rollup = await deployRollupOn(chain, { ...CONFIG, ...config });
  const dir = mkdtempSync(join(tmpdir(), "agnt2-exodus-"));
  const replica = await openReplica({ dir, deployment: rollup.deployment, onDivergence: (error) => expect.fail(error.message) });
  const source: L1Source = createL1Source({ provider: chain.provider, deployment: rollup.deployment, consumer: replica, pollMs: 50, onError: () => undefined });
  source.start();
  const { inbox } = rollup.contracts;
  const stage: Stage = {
    chain, rollup, replica,
    now: async () => (await chain.provider.getBlock("latest"))!.timestamp,
    async at(seconds) {
      await chain.send("evm_setNextBlockTimestamp", [seconds]);
    },
    async skip(seconds) {
      await chain.send("evm_increaseTime", [seconds]);
      await chain.send("evm_mine");
    },
    async batch(queueEnd, l2Time, data = new Uint8Array()) {
      await (await submitBatch(inbox, l2Time ?? (await stage.now()), queueEnd, hexlify(data), BATCH_GAS)).wait();
    },
    balanceOf: async (address) => BigInt((await chain.send("eth_getBalance", [address, "latest"])) as string),
    async stop() {
      await source.stop();
      replica.close();
      await chain.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return stage;
}

/** Claims what the onlooker derives for the next epoch, and confirms it when nobody objects. */
async function confirmNext({ rollup, replica, skip }: Stage): Promise<string> {
  const { inbox, settlement } = rollup.contracts;
  const epoch = Number((await settlement.latestConfirmed()).nextEpoch);
  const batchEnd = Number(await inbox.epochEnd(epoch));
  await until(`batch ${batchEnd} is derived`, () => replica.batchCount >= batchEnd);
  const { claimId, made } = await claimState(rollup.contracts, { stateRoot: toHex(replica.rootAt(batchEnd)!) });
  await made.wait();
  await skip(WINDOW);
  await (await settlement.confirm(claimId)).wait();
  return claimId;
}

async function refused(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    const { data, message } = error as { data?: string; message: string };
    return `${data ?? ""} ${message}`;
  }
  return expect.fail("it was taken");
}

for (const kind of ["hardhat", "anvil"] as const) {
  describe(`leaving alone, on ${kind}`, function () {
    this.timeout(180_000);
    let stage: Stage;
    afterEach(() => stage.stop());

    it("censoring sequencer: a forced withdrawal gets through within the documented time", async () => {
      stage = await startStage(kind);
      const { rollup, replica } = stage;
      const victim = new Wallet(VICTIM).address;
      const { inbox, bridge } = rollup.contracts;
      const own = rollup.as(VICTIM);
      await (await own.bridge.deposit(victim, 5_000n * GWEI, { value: 5_000n * GWEI })).wait();
      await stage.batch(1n);

      // The sequencer takes nothing of the victim's any more. It sends its withdrawal to L1 itself, signed by the transaction alone.
      const header = encodeHeader({ agent: 1, nonce: 0, count: 1, validUntil: 0xffffffff, auth: AUTH.L1_SENDER });
      const bundle = joinBytes([header, encodeRecord("WITHDRAW", { recipient: fromHex(victim), amount: 4_000 })]);
      await (await own.inbox.force(bundle, { value: await inbox.forcedFee(2) })).wait();
      const due = (await stage.now()) + INCLUSION_DELAY;

      // It leaves the entry out as long as it can: until the batch's own time is the due time, and that may stay a day behind L1's.
      await stage.batch(1n);
      await stage.at(due - 1 + MAX_LAG);
      await stage.batch(1n, due - 1);
      await stage.at(due + MAX_LAG);
      const [lagging, leavingOut] = ["L2TimeBehind", "EntryDue"].map((name) => inbox.interface.getError(name)!.selector);
      expect(await refused(() => inbox.submitBatch.staticCall(due - 1, 1n, `0x${"00".repeat(32)}`, "0x", { blockTag: "pending" }))).to.include(lagging);
      expect(await refused(() => inbox.submitBatch.staticCall(due, 1n, `0x${"00".repeat(32)}`, "0x", { blockTag: "pending" }))).to.include(leavingOut);
      // From that second on there is no batch without it.
      await stage.batch(2n, due);

      let claimId = "";
      for (let epoch = Number(await inbox.epochCount()); epoch > 0; epoch -= 1) claimId = await confirmNext(stage);
      const proof = replica.proveAppended(KIND.WITHDRAWAL, 0, replica.batchCount)!;
      await stage.skip(CONFIG.payoutDelaySeconds);
      const before = await stage.balanceOf(victim);
      const words = (bytes: Uint8Array): string[] => hexlify(bytes).slice(2).match(/.{64}/g)!.map((word) => `0x${word}`);
      await (await bridge.withdraw(0, words(proof.leaf) as [string, string, string, string], words(proof.proof), claimId)).wait();
      expect((await stage.balanceOf(victim)) - before).to.equal(4_000n * GWEI);
    });

    it("vanished operators: a stranger sequences, then the exodus pays everyone exactly once, calls, workflows, fees and late deposits included", async () => {
      stage = await startStage(kind, { epochAgeSeconds: EPOCH_AGE, operatorBondWei: BOND, vacancySeconds: VACANCY });
      const { chain, rollup, replica } = stage;
      const operators = connectSequencerSet(rollup.deployment, rollup.wallet)!;
      await (await operators.join(rollup.wallet.address, { value: BOND })).wait();
      const { inbox, bridge, exodus, settlement } = rollup.contracts;
      const deposit = async (by: RollupOnChain["contracts"], account: string, units: number) => {
        const value = BigInt(units) * GWEI;
        const { logs } = (await (await by.bridge.deposit(account, value, { value })).wait())!;
        const { args } = logs.map((log) => inbox.interface.parseLog(log)).find((log) => log?.name === "EntryQueued")!;
        return depositEntry({ sender: args["sender"] as string, account: args["account"] as string, value: args["value"] as bigint, dueTime: args["dueTime"] as bigint }, fromHex);
      };
      const story = await playExitStory({
        domainSeparator: fromHex(await inbox.domainSeparator()),
        channels: channelDomain({ chainId: chain.chainId, adjudicator: fromHex(rollup.deployment.contracts.adjudicator, 20) }),
        now: () => stage.now(),
        deposit: (account, units) => deposit(rollup.contracts, account, units),
        submit: async (l2Time, data) => stage.batch(await inbox.entryCount(), l2Time, data),
      });
      await stage.skip(EPOCH_AGE);
      await (await inbox.closeEpoch()).wait();
      const claimId = await confirmNext(stage);
      const batchEnd = Number(await inbox.epochEnd(0));

      // One takes its withdrawal in time, and the operators are gone. After a while the turn is anybody's, and a stranger sequences its
      // own deposit; but it claims nothing, and when it deposits again it does not even sequence.
      const inTime = (await exitStateAt(replica, batchEnd)).open({ kind: KIND.WITHDRAWAL, index: story.withdrawals.paid });
      await stage.skip(CONFIG.payoutDelaySeconds);
      await (await bridge.withdraw(story.withdrawals.paid, [...inTime.words], [...inTime.siblings], claimId)).wait();
      const late = rollup.as(STRANGER);
      const latecomer = new Wallet(STRANGER).address;
      await deposit(late, latecomer, 40_000);
      const sequence = async (): Promise<void> => void (await (await submitBatch(late.inbox, await stage.now(), await inbox.entryCount(), "0x")).wait());
      expect(await refused(sequence)).to.include(inbox.interface.getError("NotSequencer")!.selector);
      await stage.skip(VACANCY);
      await sequence();
      const pendingSince = Number(await exodus.pendingSince());
      await deposit(late, latecomer, 60_000);

      // A stranger counts the days, declares, and sees to it that everybody is paid: from L1 alone.
      const { delaySeconds } = await exodus.config();
      expect(Number(await exodus.declarableAt())).to.equal(pendingSince + Number(delaySeconds));
      const tooEarly = exodus.interface.getError("TooEarly")!.selector;
      await stage.at(pendingSince + Number(delaySeconds) - 1);
      await chain.send("evm_mine");
      expect(await refused(() => late.exodus.declare.staticCall({ blockTag: "latest" }))).to.include(tooEarly);
      await stage.at(pendingSince + Number(delaySeconds));
      await (await late.exodus.declare({ gasLimit: 500_000 })).wait();
      await (await late.exodus.finalise()).wait();
      expect(await exodus.claimId()).to.equal(claimId);
      const stopped = inbox.interface.getError("Stopped")!.selector;
      const now = await stage.now();
      expect(await refused(() => inbox.submitBatch.staticCall(now, 6n, `0x${"00".repeat(32)}`, "0x"))).to.include(stopped);
      await stage.skip(CONFIG.payoutDelaySeconds);

      const entries = Number(await inbox.entryCount());
      await until("all entries are derived", () => replica.view.entries.length === entries);
      const last: ExitState = await exitStateAt(replica, batchEnd);
      expect(last.root()).to.equal((await settlement.confirmedState(claimId)).stateRoot);
      const { feeRecipient } = await inbox.config();
      const exits = last.exits(feeRecipient.toLowerCase()).filter(({ kind: of, index }) => of !== KIND.WITHDRAWAL || index !== story.withdrawals.paid);
      const refunds = last.refunds(replica.view.entries);
      const owed = new Map<string, bigint>();
      for (const { to, units } of [...exits, ...refunds]) owed.set(to, (owed.get(to) ?? 0n) + BigInt(units) * GWEI);
      const before = new Map(await Promise.all([...owed.keys()].map(async (to) => [to, await stage.balanceOf(to)] as const)));
      const payer = rollup.contracts;
      const payLeaf = (exit: (typeof exits)[number]) => {
        const { leaf, context } = last.prove(exit);
        return [structOf(leaf), context.map(structOf)] as const;
      };
      for (const exit of exits) await (await payer.exodus.payLeaf(...payLeaf(exit))).wait();
      const refundOf = (index: number) => [index, entryStruct(replica.view.entries[index]!), structOf(last.machine())] as const;
      for (const { index } of refunds) await (await payer.exodus.refundDeposit(...refundOf(index))).wait();
      for (const [to, units] of owed) expect((await stage.balanceOf(to)) - before.get(to)!, to).to.equal(units);
      expect([owed.get(latecomer.toLowerCase()), owed.get(FEE_RECIPIENT)]).to.deep.equal([100_000n * GWEI, 54n * GWEI]);
      expect(await stage.balanceOf(await bridge.getAddress())).to.equal(0n);

      const again = bridge.interface.getError("AlreadyPaid")!.selector;
      for (const exit of exits) expect(await refused(() => payer.exodus.payLeaf.staticCall(...payLeaf(exit)))).to.include(again);
      for (const { index } of refunds) expect(await refused(() => payer.exodus.refundDeposit.staticCall(...refundOf(index)))).to.include(again);
    });
  });
}
