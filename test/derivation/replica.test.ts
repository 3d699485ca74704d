import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet, hexlify, toBeHex } from "ethers";

import { decodeLeaf, domainSeparator, encodeHeader, encodeRecord, fromHex, toHex } from "../../core/codec/index.ts";
import { AUTH, ERROR, KIND, OP } from "../../core/generated/protocol.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import type { DerivationError } from "../../derivation/DerivationError.ts";
import { Replica, openReplica } from "../../derivation/Replica.ts";
import type { ReplicaOptions } from "../../derivation/Replica.ts";
import { genesisRoot } from "../../derivation/stateRoot.ts";
import { claimState } from "../builders/claimState.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployActor, deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";
import { concatBytes, signedBundle } from "../builders/signedBundle.ts";
import type { BundleRecord } from "../builders/signedBundle.ts";
import { expectedAccumulator, submitBatch } from "../builders/submitBatch.ts";

const GWEI = 1_000_000_000n;
const DEPOSIT_UNITS = 1_000;
const FEE = 2;
const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const CAROL_ADDRESS = "0x00000000000000000000000000000000000ca401";

describe("replica", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let domain: Uint8Array;
  let dir: string;
  let open: { replica: Replica; source: L1Source }[] = [];

  async function openOn(options: Partial<ReplicaOptions> = {}): Promise<{ replica: Replica; source: L1Source }> {
    const replica = await openReplica({ dir, deployment: rollup.deployment, onDivergence: () => undefined, ...options });
    const source = createL1Source({
      provider: chain.provider,
      deployment: rollup.deployment,
      consumer: replica,
      cursors: replica.cursors,
      pollMs: 3_600_000,
      onError: () => undefined,
    });
    open.push({ replica, source });
    return { replica, source };
  }

  const now = async (): Promise<number> => (await chain.provider.getBlock("latest"))?.timestamp ?? 0;

  async function deposit(key: string, units = DEPOSIT_UNITS): Promise<void> {
    const { bridge } = rollup.contracts;
    await (await bridge.deposit(new Wallet(key).address, BigInt(units) * GWEI, { value: BigInt(units) * GWEI })).wait();
  }

  async function submit(data: Uint8Array = new Uint8Array()): Promise<void> {
    const { inbox } = rollup.contracts;
    await (await submitBatch(inbox, await now(), await inbox.entryCount(), hexlify(data))).wait();
  }

  const bundle = (key: string, agent: number, nonce: number, ...records: BundleRecord[]): Uint8Array =>
    signedBundle({ domainSeparator: domain, key, agent, nonce, records });
  const transfer = (to: number, amount: number): BundleRecord => ({ op: "TRANSFER", fields: { to, amount } });
  const balanceOf = (replica: Replica, agent: number): number => Number(decodeLeaf("AGENT", replica.current.state.leaf(KIND.AGENT, agent))["balance"]);

  before(async () => {
    chain = await startLocalChain("anvil");
  });
  after(() => chain.stop());
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-replica-"));
    open = [];
    rollup = await deployRollupOn(chain);
    domain = domainSeparator({ chainId: chain.chainId, inbox: fromHex(rollup.deployment.contracts.inbox) });
    expect(await rollup.contracts.inbox.domainSeparator()).to.equal(toHex(domain));
    await deposit(ALICE);
    await deposit(BOB);
  });
  afterEach(() => {
    for (const { replica } of open) replica.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("batches: executes deposits and bundles, garbage and replays among them", async () => {
    const { replica, source } = await openOn();
    const signed = bundle(ALICE, 1, 0, transfer(2, 100), transfer(2, 50));
    await submit(concatBytes(new Uint8Array(96), signed, signed));
    await source.poll();
    expect(replica.batchCount).to.equal(1);
    expect(balanceOf(replica, 1)).to.equal(DEPOSIT_UNITS - 150 - 2 * FEE);
    expect(balanceOf(replica, 2)).to.equal(DEPOSIT_UNITS + 150);
    expect(replica.current.machine("receiptCount")).to.equal(4);
  });

  it("sequencer contract: batches that a contract submitted are read as any others", async () => {
    const wallet = await deployActor("HostileRecipient", rollup.wallet);
    const guarded = await deployRollupOn(chain, { sequencer: await wallet.getAddress() });
    const script = scriptFor(chain, guarded);
    await script.deposit(ALICE, DEPOSIT_UNITS);
    await script.deposit(BOB, DEPOSIT_UNITS);
    const { inbox } = guarded.contracts;
    for (const [nonce, amount] of [[0, 100], [1, 20]] as const) {
      const data = script.bundle(ALICE, 1, nonce, transfer(2, amount));
      const time = await now();
      const call = inbox.interface.encodeFunctionData("submitBatch", [time, 2, await expectedAccumulator(inbox, time, 2, data), data]);
      await (await wallet.getFunction("execute")(guarded.deployment.contracts.inbox, 0, call)).wait();
    }
    rollup = guarded;
    const { replica, source } = await openOn();
    await source.poll();
    expect(replica.batchCount).to.equal(2);
    expect(balanceOf(replica, 2)).to.equal(DEPOSIT_UNITS + 120);
  });

  it("forced entry: executes the bundle of an account's owner who sends it himself", async () => {
    const { replica, source } = await openOn();
    await submit();
    const slots = concatBytes(
      encodeHeader({ auth: AUTH.L1_SENDER, count: 1, agent: 1, nonce: 0, validUntil: 0xffffffff }),
      encodeRecord("TRANSFER", { to: 2, amount: 7 }),
    );
    const { inbox } = rollup.as(ALICE);
    await (await inbox.force(hexlify(slots), { value: await inbox.forcedFee(2) })).wait();
    await submit();
    await source.poll();
    expect(balanceOf(replica, 2)).to.equal(DEPOSIT_UNITS + 7);
    const receipt = replica.proveAppended(KIND.RECEIPT, 2);
    expect(decodeLeaf("RECEIPT", receipt!.leaf)).to.include({ op: OP.TRANSFER, outcome: ERROR.OK });
  });

  it("withdrawal: its proof against a confirmed claim is paid by the Bridge, also when batches followed", async () => {
    const { replica, source } = await openOn();
    const { settlement, bridge } = rollup.contracts;
    await submit(bundle(ALICE, 1, 0, { op: "WITHDRAW", fields: { recipient: fromHex(CAROL_ADDRESS), amount: 300 } }));
    await source.poll();
    const root = toHex(replica.rootAt(1)!);
    const { claimId, made } = await claimState(rollup.contracts, { stateRoot: root });
    await made.wait();
    await submit(bundle(BOB, 2, 0, { op: "WITHDRAW", fields: { recipient: fromHex(CAROL_ADDRESS), amount: 11 } }));
    await chain.send("evm_increaseTime", [10]);
    await (await settlement.confirm(claimId)).wait();
    await source.poll();
    expect(replica.view.latestConfirmed?.claimId).to.equal(claimId);
    expect(replica.batchesOf(replica.view.latestConfirmed!)).to.equal(1);

    const proven = replica.proveAppended(KIND.WITHDRAWAL, 0, 1)!;
    const words = (bytes: Uint8Array): string[] => Array.from({ length: bytes.length / 32 }, (_, index) => hexlify(bytes.subarray(32 * index, 32 * index + 32)));
    const before = await chain.provider.getBalance(CAROL_ADDRESS);
    await (await bridge.withdraw(0, words(proven.leaf) as [string, string, string, string], words(proven.proof), claimId)).wait();
    expect((await chain.provider.getBalance(CAROL_ADDRESS)) - before).to.equal(300n * GWEI);
    await source.poll();
    expect(replica.view.payouts.get(0)?.amount).to.equal(300n * GWEI);
    expect(replica.proveAppended(KIND.WITHDRAWAL, 1, 1)).to.equal(undefined);
  });

  it("root: one that is not ours is told when it was announced or confirmed, once the batch is here; a false claim alone is not", async () => {
    const alarms: DerivationError[] = [];
    const { replica, source } = await openOn({ onDivergence: (error) => alarms.push(error) });
    expect(replica.compare(1, toBeHex(7, 32))).to.equal("unknown");
    await submit();
    await source.poll();
    expect(alarms.map((alarm) => alarm.code)).to.deep.equal(["derivation/root"]);
    expect(replica.compare(1, toHex(replica.rootAt(1)!))).to.equal("same");
    const { claimId, made } = await claimState(rollup.contracts, { stateRoot: toBeHex(9, 32) });
    await made.wait();
    await source.poll();
    expect(alarms).to.have.length(1);
    expect(replica.view.claims.get(claimId)?.backers).to.deep.equal([rollup.wallet.address]);
    await chain.send("evm_increaseTime", [10]);
    await (await rollup.contracts.settlement.confirm(claimId)).wait();
    await source.poll();
    expect(alarms.map((alarm) => alarm.code)).to.deep.equal(["derivation/root", "derivation/root"]);
  });

  it("restart: goes on from the log with and without a snapshot, to the same roots", async () => {
    const first = await openOn();
    for (let nonce = 0; nonce < 3; nonce += 1) await submit(bundle(ALICE, 1, nonce, transfer(2, 10)));
    await first.source.poll();
    const roots = [0, 1, 2, 3].map((count) => toHex(first.replica.rootAt(count)!));
    expect(roots[0]).to.equal(toHex(genesisRoot()));
    first.replica.close();
    open = [];

    const second = await openOn();
    expect([0, 1, 2, 3].map((count) => toHex(second.replica.rootAt(count)!))).to.deep.equal(roots);
    await second.replica.saveSnapshot();
    await submit(bundle(ALICE, 1, 3, transfer(2, 10)));
    await second.source.poll();
    const root = toHex(second.replica.rootAt(4)!);
    second.replica.close();
    open = [];

    const third = await openOn();
    expect(toHex(third.replica.rootAt(4)!)).to.equal(root);
    expect(toHex(third.replica.rootAt(2)!)).to.equal(roots[2]);
    const receipt = third.replica.proveAppended(KIND.RECEIPT, 3, 2);
    expect(decodeLeaf("RECEIPT", receipt!.leaf)).to.include({ op: OP.TRANSFER, agent: 1 });
  });

  for (const withSnapshot of [false, true]) {
    it(`reorganisation: forgets ten blocks and follows the other branch ${withSnapshot ? "from a snapshot" : "from genesis"}`, async () => {
      const rollbacks: number[] = [];
      const { replica, source } = await openOn({ onRollback: (batchCount) => rollbacks.push(batchCount) });
      await submit(bundle(ALICE, 1, 0, transfer(2, 10)));
      await source.poll();
      const root = toHex(replica.rootAt(1)!);
      if (withSnapshot) await replica.saveSnapshot();
      for (let nonce = 1; nonce < 11; nonce += 1) await submit(bundle(ALICE, 1, nonce, transfer(2, 10)));
      await source.poll();
      expect(replica.batchCount).to.equal(11);
      await chain.send("anvil_reorg", [10, []]);
      await submit(bundle(ALICE, 1, 1, transfer(2, 500)));
      await source.poll();
      expect(rollbacks).to.deep.equal([1]);
      expect(replica.batchCount).to.equal(2);
      expect(toHex(replica.rootAt(1)!)).to.equal(root);
      expect(balanceOf(replica, 2)).to.equal(DEPOSIT_UNITS + 510);
    });
  }

  it("reorganisation: is seen when it happened while the replica was down", async () => {
    const first = await openOn();
    await submit(bundle(ALICE, 1, 0, transfer(2, 10)));
    await submit(bundle(ALICE, 1, 1, transfer(2, 10)));
    await first.source.poll();
    first.replica.close();
    open = [];
    await chain.send("anvil_reorg", [1, []]);
    await submit(bundle(ALICE, 1, 1, transfer(2, 99)));
    const second = await openOn();
    await second.source.poll();
    expect(second.replica.batchCount).to.equal(2);
    expect(balanceOf(second.replica, 2)).to.equal(DEPOSIT_UNITS + 109);
  });
});
