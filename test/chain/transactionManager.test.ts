import { expect } from "chai";
import { Wallet } from "ethers";

import type { ChainError } from "../../chain/ChainError.ts";
import { createMemoryIntentJournal } from "../../chain/transactions/MemoryIntentJournal.ts";
import type { Intent, IntentJournal, JournalEntry } from "../../chain/transactions/intent.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { TransactionManager, TransactionManagerOptions } from "../../chain/transactions/TransactionManager.ts";
import { deployCounter } from "../builders/counterContract.ts";
import type { Counter } from "../builders/counterContract.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { ChainKind, LocalChain } from "../builders/localChain.ts";

const [DEPLOYER_KEY, SENDER_KEY] = DEVELOPMENT_KEYS;
const REVERTING_DATA = "0x01";

/** A manager whose turns the test runs itself: its own timer is far away. */
function managerOn(chain: LocalChain, options: Partial<TransactionManagerOptions> = {}): TransactionManager {
  return createTransactionManager({
    provider: chain.provider,
    signer: new Wallet(SENDER_KEY),
    journal: createMemoryIntentJournal(),
    pollMs: 3_600_000,
    ...options,
    rules: { bumpAfterMs: 3_600_000, ...options.rules },
  });
}

async function mine(chain: LocalChain, blocks = 1): Promise<void> {
  await chain.send(chain.kind === "anvil" ? "anvil_mine" : "hardhat_mine", [`0x${blocks.toString(16)}`]);
}

/** Runs turns and mines until every intent has an outcome. */
async function settleAll(chain: LocalChain, manager: TransactionManager, ids: readonly string[]): Promise<void> {
  for (let round = 0; round < 30; round += 1) {
    await manager.turn();
    await mine(chain);
    await manager.turn();
    if (ids.every((id) => manager.find(id)?.outcome !== undefined)) return;
  }
  throw new Error(`no outcome for ${ids.join(", ")}`);
}

for (const kind of ["anvil", "hardhat"] as const satisfies readonly ChainKind[]) {
  describe(`transaction manager on ${kind}`, function () {
    this.timeout(60_000);
    let chain: LocalChain;
    let counter: Counter;
    let base: number;
    let managers: TransactionManager[] = [];

    const started = async (options: Partial<TransactionManagerOptions> = {}): Promise<TransactionManager> => {
      const manager = managerOn(chain, options);
      managers.push(manager);
      await manager.start();
      return manager;
    };
    const call = (id: string, extra: Partial<Intent> = {}): Intent => ({ id, to: counter.address, valueWei: 0n, data: "0x", ...extra });
    const effects = async (): Promise<number> => (await counter.count()) - base;

    before(async () => {
      chain = await startLocalChain(kind, { isAutomatic: false });
      counter = await deployCounter(chain, DEPLOYER_KEY);
    });
    after(() => chain.stop());
    beforeEach(async () => {
      managers = [];
      base = await counter.count();
    });
    afterEach(async () => {
      for (const manager of managers) await manager.stop();
      await mine(chain, 2);
    });

    it("submit: has one effect when the same id is asked for twice", async () => {
      const manager = await started();
      await manager.submit(call("twice"));
      await manager.submit(call("twice"));
      await settleAll(chain, manager, ["twice"]);
      await manager.submit(call("twice"));
      await manager.turn();
      await mine(chain);
      expect(await effects()).to.equal(1);
      expect((await manager.wait("twice")).status).to.equal("confirmed");
    });

    it("submit: keeps the order of many intents", async () => {
      const manager = await started({ rules: { bumpAfterMs: 3_600_000, confirmations: 1, finalityDepth: 64, maxInFlight: 4 } });
      const ids = Array.from({ length: 10 }, (_, index) => `many-${index}`);
      for (const id of ids) await manager.submit(call(id));
      await settleAll(chain, manager, ids);
      const nonces = ids.map((id) => manager.find(id)?.nonce ?? -1);
      expect(nonces).to.deep.equal([...nonces].sort((a, b) => a - b));
      expect(await effects()).to.equal(10);
    });

    it("submit: is refused with the reason when the estimate reverts, and sends nothing", async () => {
      const manager = await started();
      await manager.submit(call("refused", { data: REVERTING_DATA }));
      await manager.turn();
      const outcome = await manager.wait("refused");
      expect(outcome.status).to.equal("refused");
      expect(outcome.error?.code).to.equal("L1_REVERT");
      expect(manager.find("refused")?.attempts).to.have.length(0);
    });

    it("submit: reports a transaction that reverted in its block", async () => {
      const manager = await started();
      await manager.submit(call("reverted", { data: REVERTING_DATA, gasLimit: 100_000n }));
      await settleAll(chain, manager, ["reverted"]);
      expect((await manager.wait("reverted")).status).to.equal("reverted");
    });

    it("stuck transaction: is replaced with both fees at least 12.5 % higher", async () => {
      let nowMs = 1_000_000;
      const manager = await started({ nowMs: () => nowMs, rules: { bumpAfterMs: 10_000 } });
      await manager.submit(call("stuck"));
      await manager.turn();
      nowMs += 10_001;
      await manager.turn();
      const [first, second] = manager.find("stuck")?.attempts ?? [];
      expect(second.nonce).to.equal(first.nonce);
      expect(second.maxFeeWei * 1000n >= first.maxFeeWei * 1125n).to.equal(true);
      expect(second.maxPriorityFeeWei * 1000n >= first.maxPriorityFeeWei * 1125n).to.equal(true);
      await settleAll(chain, manager, ["stuck"]);
      expect(await effects()).to.equal(1);
    });

    it("fee cap: alarms and sends nothing above it", async () => {
      const alarms: ChainError[] = [];
      const manager = await started({ fees: { maxFeeCapWei: 1n }, onAlarm: (alarm) => alarms.push(alarm) });
      await manager.submit(call("capped"));
      await manager.turn();
      expect(alarms.map((alarm) => alarm.code)).to.include("L1_FEE_CAP");
      expect(manager.find("capped")?.attempts).to.have.length(0);
    });

    it("balance: alarms once below the limit", async () => {
      const alarms: ChainError[] = [];
      const manager = await started({ minBalanceWei: 10n ** 30n, onAlarm: (alarm) => alarms.push(alarm) });
      await manager.turn();
      await manager.turn();
      expect(alarms.map((alarm) => alarm.code)).to.deep.equal(["L1_LOW_BALANCE"]);
    });

    it("nonce taken by somebody else: is sent again under a new nonce", async () => {
      const manager = await started();
      const nonce = await chain.provider.getTransactionCount(new Wallet(SENDER_KEY).address);
      const foreign = await new Wallet(SENDER_KEY).signTransaction({ type: 2, chainId: chain.chainId, to: DEAD, nonce, gasLimit: 21_000n, maxFeePerGas: 10n ** 12n, maxPriorityFeePerGas: 10n ** 11n });
      await manager.submit(call("stolen"));
      await manager.turn();
      await chain.send("eth_sendRawTransaction", [foreign]);
      await mine(chain);
      await settleAll(chain, manager, ["stolen"]);
      expect(manager.find("stolen")?.attempts.map((attempt) => attempt.nonce)).to.deep.equal([nonce, nonce + 1]);
      expect(await effects()).to.equal(1);
    });

    it("nonce taken by somebody else: is not sent again when the effect is there", async () => {
      const manager = await started({ isDone: () => Promise.resolve(true) });
      const nonce = await chain.provider.getTransactionCount(new Wallet(SENDER_KEY).address);
      const foreign = await new Wallet(SENDER_KEY).signTransaction({ type: 2, chainId: chain.chainId, to: counter.address, nonce, gasLimit: 100_000n, maxFeePerGas: 10n ** 12n, maxPriorityFeePerGas: 10n ** 11n });
      await manager.submit(call("elsewhere"));
      await manager.turn();
      await chain.send("eth_sendRawTransaction", [foreign]);
      await settleAll(chain, manager, ["elsewhere"]);
      expect((await manager.wait("elsewhere")).status).to.equal("done-elsewhere");
      expect(await effects()).to.equal(1);
    });

    it("reorganisation: is sent again when its block is undone, and told", async () => {
      const reorged: string[] = [];
      const manager = await started({ onReorged: (id) => reorged.push(id) });
      const snapshot = await chain.send("evm_snapshot");
      await manager.submit(call("undone"));
      await manager.submit(call("undone-2"));
      await settleAll(chain, manager, ["undone", "undone-2"]);
      await mine(chain, 3);
      await chain.send("evm_revert", [snapshot]);
      expect(await effects()).to.equal(0);
      // Other blocks at the same heights, so that the old hashes are really gone.
      await mine(chain, 7);
      await settleAll(chain, manager, ["undone", "undone-2"]);
      await settleAll(chain, manager, ["undone", "undone-2"]);
      expect(reorged).to.have.members(["undone", "undone-2"]);
      expect(await effects()).to.equal(2);
    });

    it("waiting for finality: costs one block header a turn, and a reorganisation or another wish is seen at once", async () => {
      const asked: string[] = [];
      const note = (event: { action: string; payload: unknown }): void => {
        if (event.action === "sendRpcPayload") asked.push(...([event.payload].flat() as { method: string }[]).map(({ method }) => method));
      };
      const manager = await started();
      const snapshot = await chain.send("evm_snapshot");
      await manager.submit(call("waits"));
      await settleAll(chain, manager, ["waits"]);
      await manager.turn();
      await chain.provider.on("debug", note);
      await manager.turn();
      await chain.provider.off("debug", note);
      expect(asked).to.deep.equal(["eth_getBlockByNumber"]);
      await manager.submit(call("next"));
      await settleAll(chain, manager, ["next"]);
      expect(await effects()).to.equal(2);
      await manager.turn();
      await chain.send("evm_revert", [snapshot]);
      await mine(chain, 7);
      await settleAll(chain, manager, ["waits", "next"]);
      await settleAll(chain, manager, ["waits", "next"]);
      expect(await effects()).to.equal(2);
    });

    it("crash: has exactly one effect wherever the process dies", async () => {
      // The journal ends the process at its n-th write, before or after the write reached the disk.
      for (let fatalWrite = 0; fatalWrite < 8; fatalWrite += 1) {
        const id = `crash-${fatalWrite}`;
        const entries: JournalEntry[] = [];
        const before = await counter.count();
        await crashingRun(chain, call(id), entries, fatalWrite);
        await mine(chain);
        const survivor = await started({ journal: createMemoryIntentJournal(entries) });
        await survivor.submit(call(id));
        await settleAll(chain, survivor, [id]);
        expect((await counter.count()) - before, `death at write ${fatalWrite}`).to.equal(1);
        await survivor.stop();
      }
    });

    if (kind === "anvil") {
      it("dropped transaction: is handed to the node again", async () => {
        const manager = await started();
        await manager.submit(call("dropped"));
        await manager.turn();
        await chain.send("anvil_dropTransaction", [manager.find("dropped")?.attempts[0]?.hash]);
        await settleAll(chain, manager, ["dropped"]);
        expect(manager.find("dropped")?.attempts).to.have.length(1);
        expect(await effects()).to.equal(1);
      });

      it("reorganisation: survives anvil_reorg of ten blocks", async () => {
        const manager = await started();
        await manager.submit(call("ten"));
        await settleAll(chain, manager, ["ten"]);
        await mine(chain, 8);
        await chain.send("anvil_reorg", [10, []]);
        expect(await effects()).to.equal(0);
        await manager.turn();
        await settleAll(chain, manager, ["ten"]);
        expect(await effects()).to.equal(1);
      });
    }
  });
}

const DEAD = "0x000000000000000000000000000000000000dEaD";

/** A run that ends like `kill -9`: from the fatal write on nothing reaches the journal and no turn goes on. */
async function crashingRun(chain: LocalChain, intent: Intent, entries: JournalEntry[], fatalWrite: number): Promise<void> {
  let writes = 0;
  const journal: IntentJournal = {
    load: () => Promise.resolve([]),
    append(added) {
      const isFatal = writes === Math.floor(fatalWrite / 2);
      writes += 1;
      if (writes - 1 > Math.floor(fatalWrite / 2)) return Promise.reject(new Error("dead"));
      if (!isFatal || fatalWrite % 2 === 1) entries.push(...added);
      return isFatal ? Promise.reject(new Error("dead")) : Promise.resolve();
    },
    rewrite: () => Promise.reject(new Error("dead")),
  };
  const manager = managerOn(chain, { journal });
  await manager.start();
  try {
    await manager.submit(intent);
    await manager.turn();
    await mine(chain);
    await manager.turn();
  } catch (error) {
    expect((error as Error).message).to.equal("dead");
  }
  await manager.stop();
}
