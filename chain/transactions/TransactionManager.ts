import type { InterfaceAbi, JsonRpcApiProvider, Signer } from "ethers";

import { ChainError } from "../ChainError.ts";
import { toChainError } from "../decodeRevert.ts";
import { pollingLoop } from "../pollingLoop.ts";
import { broadcast } from "./broadcast.ts";
import { DEFAULT_FEE_POLICY, decideFees } from "./decideFees.ts";
import type { FeePolicy, Fees } from "./decideFees.ts";
import { decideLane } from "./decideLane.ts";
import type { IntentClock, LaneAction, LaneRules, LaneView } from "./decideLane.ts";
import type { Attempt, Intent, IntentJournal, JournalEntry, Outcome } from "./intent.ts";
import { readLane } from "./readLane.ts";
import { applyEntry, compactJournal, mayBeAskedAgain } from "./reduceJournal.ts";
import type { IntentState, IntentStates } from "./reduceJournal.ts";
import { createTransactionSigner } from "./TransactionSigner.ts";
import type { TransactionKey } from "./TransactionSigner.ts";

export interface TransactionManagerOptions {
  readonly provider: JsonRpcApiProvider;
  /** Signs transactions; the account must be used by nobody else. */
  readonly signer: Signer | TransactionKey;
  readonly journal: IntentJournal;
  /** Whether the effect of an intent is there already; asked before an intent whose nonce was lost is sent again. */
  readonly isDone?: (intent: Intent) => Promise<boolean>;
  /** Calldata of intents that were submitted without it. */
  readonly loadData?: (intent: Intent) => Promise<string>;
  /** For readable reverts. */
  readonly abis?: readonly InterfaceAbi[];
  readonly fees?: Partial<FeePolicy>;
  readonly rules?: Partial<LaneRules>;
  /** Asked in every turn: other limits while something must be in the chain soon. All of the lane shares them, as its nonces do. */
  readonly pressure?: () => LanePressure | undefined;
  readonly pollMs?: number;
  /** Alarm below this balance. */
  readonly minBalanceWei?: bigint;
  /** Things a person may have to look at: codes of ChainError. Each is told once until it has passed. */
  readonly onAlarm?: (alarm: ChainError) => void;
  readonly onRecovered?: () => void;
  /** An outcome that was reported is undone by a reorganisation; the transaction is sent again by itself. */
  readonly onReorged?: (intentId: string) => void;
  readonly nowMs?: () => number;
}

/** How much what is under way may cost for now, and how long an attempt may wait. */
export interface LanePressure {
  readonly maxFeeCapWei: bigint;
  readonly bumpAfterMs: number;
}

export interface TransactionManager {
  /** Reads the journal and begins; resolves when it is read. */
  start(): Promise<void>;
  /** Ends after the turn under way; what is pending is taken up at the next start. */
  stop(): Promise<void>;
  /**
   * Asks for an effect. Resolves when the wish is durable. Asking again with the same id changes nothing, unless it was
   * refused or reverted before.
   */
  submit(intent: Intent): Promise<void>;
  /** The outcome, as soon as there is one. Rejects when the manager stops. */
  wait(intentId: string): Promise<Outcome>;
  find(intentId: string): IntentState | undefined;
  /** Runs one turn at once. */
  turn(): Promise<void>;
  status(): { readonly pending: number; readonly unconfirmed: number; readonly oldestPendingId: string | undefined };
}

const DEFAULT_RULES: LaneRules = { confirmations: 1, finalityDepth: 64, bumpAfterMs: 30_000, maxInFlight: 16 };
const DEFAULT_POLL_MS = 1_000;
/** EIP-7825. */
const MAX_TRANSACTION_GAS = 16_777_216n;
const FILL_GAS = 21_000n;
const KEEP_FINISHED = 1_000;
const COMPACT_AFTER_ENTRIES = 4_000;
const REFUSAL_LIMIT = 5;
const RETRY_MS = 1_000;
/** Looks in a row that must find the nonce used and none of our transactions in the chain. */
const LOST_LOOKS = 3;

interface Waiter {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

/** Sends what is asked for exactly once through crashes, stuck transactions, outages and reorganisations. */
export function createTransactionManager(options: TransactionManagerOptions): TransactionManager {
  const { provider, journal, abis = [], nowMs = Date.now } = options;
  const signer = createTransactionSigner(options.signer);
  const rules: LaneRules = { ...DEFAULT_RULES, ...options.rules };
  const calmPolicy: FeePolicy = { ...DEFAULT_FEE_POLICY, ...options.fees };
  let policy = calmPolicy;
  const states: IntentStates = new Map();
  const clocks = new Map<string, IntentClock>();
  const refusals = new Map<string, number>();
  const rawByHash = new Map<string, string>();
  const waiters = new Map<string, Waiter[]>();
  const raised = new Set<string>();
  let address = "";
  let entryCount = 0;
  /** The head that the last turn saw, when it did all that was to be done. */
  let seenHead: string | undefined;
  let writing: Promise<void> = Promise.resolve();

  /** One write at a time, so that a compaction never drops what is being asked for meanwhile. */
  function write(action: () => Promise<void>): Promise<void> {
    const run = writing.then(action);
    writing = run.catch(() => undefined);
    return run;
  }

  function record(...entries: JournalEntry[]): Promise<void> {
    return write(async () => {
      await journal.append(entries);
      entryCount += entries.length;
      for (const entry of entries) applyEntry(states, entry);
    });
  }

  function alarm(error: ChainError): void {
    if (raised.has(error.code)) return;
    raised.add(error.code);
    options.onAlarm?.(error);
  }

  function stateOf(id: string): IntentState {
    const state = states.get(id);
    if (state === undefined) throw new ChainError("L1_TX_REFUSED", `no intent ${id}`, { id });
    return state;
  }

  function setClock(id: string, change: Partial<IntentClock>): void {
    clocks.set(id, { ...clocks.get(id), ...change });
  }

  function forget(state: IntentState): void {
    clocks.delete(state.intent.id);
    refusals.delete(state.intent.id);
    for (const attempt of state.attempts) rawByHash.delete(attempt.hash);
  }

  async function settle(id: string, outcome: Outcome): Promise<void> {
    const state = stateOf(id);
    // Without a transaction in the chain there is nothing that a reorganisation could take away.
    const isFinal = outcome.mined === undefined;
    await record({ type: "outcome", id, outcome }, ...(isFinal ? [{ type: "final" as const, id }] : []));
    forget(state);
    for (const waiter of waiters.get(id) ?? []) waiter.resolve(outcome);
    waiters.delete(id);
  }

  async function dataOf(intent: Intent): Promise<string> {
    if (intent.data !== undefined) return intent.data;
    return options.loadData === undefined ? "0x" : await options.loadData(intent);
  }

  async function market(view: LaneView): Promise<{ baseFeeWei: bigint; priorityFeeWei: bigint }> {
    try {
      const priorityFeeWei = BigInt((await provider.send("eth_maxPriorityFeePerGas", [])) as string);
      return { baseFeeWei: view.baseFeeWei, priorityFeeWei };
    } catch (error) {
      if (error instanceof ChainError) throw error;
      return { baseFeeWei: view.baseFeeWei, priorityFeeWei: policy.minPriorityFeeWei }; // Not every node has the method.
    }
  }

  /** The gas to offer, or undefined when the estimate reverts and the intent has been settled for it. */
  async function gasFor(intent: Intent, data: string): Promise<bigint | undefined> {
    if (intent.gasLimit !== undefined) return intent.gasLimit;
    try {
      const estimate = await provider.estimateGas({ from: address, to: intent.to, data, value: intent.valueWei });
      const padded = (estimate * 5n) / 4n;
      return padded > MAX_TRANSACTION_GAS ? MAX_TRANSACTION_GAS : padded;
    } catch (error) {
      const typed = toChainError(error, abis);
      if (typed.code === "L1_REVERT") return void (await settleFailure(intent, "refused", typed));
      if (typed.code === "L1_FUNDS" || /insufficient funds|enough funds/i.test(typed.message)) {
        alarm(new ChainError("L1_FUNDS", typed.message, { address }));
        return void setClock(intent.id, { waitUntilMs: nowMs() + RETRY_MS });
      }
      throw typed;
    }
  }

  async function settleFailure(intent: Intent, status: "refused" | "reverted", error: ChainError): Promise<void> {
    const isDone = (await options.isDone?.(intent)) ?? false;
    const { code, message, values } = error;
    const mined = stateOf(intent.id).mined;
    const shown = JSON.parse(JSON.stringify(values, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value))) as Record<string, unknown>;
    if (isDone) await settle(intent.id, { status: "done-elsewhere", ...(mined === undefined ? {} : { mined }) });
    else await settle(intent.id, { status, error: { code, message, values: shown }, ...(mined === undefined ? {} : { mined }) });
  }

  async function sign(intent: Intent, data: string, nonce: number, gasLimit: bigint, fees: Fees): Promise<Attempt> {
    const { chainId } = await provider.getNetwork();
    const { to, valueWei } = intent;
    const { raw, hash } = await signer.sign({ chainId, to, data, valueWei, nonce, gasLimit, ...fees });
    rawByHash.set(hash, raw);
    return { hash, nonce, gasLimit, maxFeeWei: fees.maxFeeWei, maxPriorityFeeWei: fees.maxPriorityFeeWei };
  }

  async function sendOut(id: string, attempt: Attempt): Promise<void> {
    const raw = rawByHash.get(attempt.hash);
    if (raw === undefined) throw new ChainError("L1_TX_REFUSED", `the signed bytes of ${attempt.hash} are gone`, { id });
    const result = await broadcast(provider, raw);
    setClock(id, { sentAtMs: nowMs(), waitUntilMs: 0, isUnderpriced: result.type === "underpriced" });
    if (result.type === "accepted") return void refusals.delete(id);
    if (result.type === "no-funds") {
      alarm(new ChainError("L1_FUNDS", result.message, { address }));
      setClock(id, { waitUntilMs: nowMs() + RETRY_MS });
    }
    if (result.type === "refused") await countRefusal(id, attempt, result.message);
  }

  /** A node may refuse for a while (full pool), so it takes several refusals in a row to give an intent up. */
  async function countRefusal(id: string, attempt: Attempt, message: string): Promise<void> {
    const times = (refusals.get(id) ?? 0) + 1;
    refusals.set(id, times);
    setClock(id, { waitUntilMs: nowMs() + RETRY_MS });
    const isUnknown = (await provider.send("eth_getTransactionByHash", [attempt.hash])) === null;
    if (!isUnknown || times < REFUSAL_LIMIT) return;
    const error = new ChainError("L1_TX_REFUSED", message, { id, nonce: attempt.nonce });
    alarm(error);
    await record({ type: "released", id, nonce: attempt.nonce });
    await settleFailure(stateOf(id).intent, "refused", error);
  }

  async function sendAttempt(intent: Intent, nonce: number, gasLimit: bigint, data: string, fees: Fees): Promise<void> {
    const attempt = await sign(intent, data, nonce, gasLimit, fees);
    // Written before it is sent: after a crash in between, the same bytes are sent again under the same nonce.
    await record({ type: "attempt", id: intent.id, attempt });
    await sendOut(intent.id, attempt);
  }

  /** Tells whether the nonce was taken up: a send that had to wait must not leave later ones above a gap. */
  async function performSend(id: string, nonce: number, view: LaneView): Promise<boolean> {
    const { intent } = stateOf(id);
    const data = await dataOf(intent);
    const gasLimit = await gasFor(intent, data);
    if (gasLimit === undefined) return false;
    const decision = decideFees(policy, await market(view));
    if (decision.type === "capped") {
      alarm(new ChainError("L1_FEE_CAP", `${decision.neededWei} wei a gas is needed`, { neededWei: decision.neededWei }));
      return false;
    }
    raised.delete("L1_FEE_CAP");
    await sendAttempt(intent, nonce, gasLimit, data, decision.fees);
    return true;
  }

  async function performBump(id: string, attempt: Attempt, view: LaneView): Promise<void> {
    const { intent } = stateOf(id);
    const decision = decideFees(policy, await market(view), attempt);
    if (decision.type === "capped") {
      alarm(new ChainError("L1_FEE_CAP", `${decision.neededWei} wei a gas is needed`, { neededWei: decision.neededWei }));
      setClock(id, { sentAtMs: nowMs(), isUnderpriced: false });
      return;
    }
    await sendAttempt(intent, attempt.nonce, attempt.gasLimit, await dataOf(intent), decision.fees);
  }

  async function performRebroadcast(id: string, attempt: Attempt): Promise<void> {
    if (rawByHash.has(attempt.hash)) return await sendOut(id, attempt);
    const { intent } = stateOf(id);
    const again = await sign(intent, await dataOf(intent), attempt.nonce, attempt.gasLimit, attempt);
    if (again.hash !== attempt.hash) await record({ type: "attempt", id, attempt: again });
    await sendOut(id, again);
  }

  async function performSettle(id: string): Promise<void> {
    const { intent, mined } = stateOf(id);
    if (mined === undefined) return;
    const receipt = (await provider.send("eth_getTransactionReceipt", [mined.hash])) as { status: string; gasUsed: string } | null;
    if (receipt === null) return; // A reorganisation is under way: the next turn sees it.
    if (BigInt(receipt.status) === 1n) return await settle(id, { status: "confirmed", mined, gasUsed: BigInt(receipt.gasUsed) });
    const error = await replayRevert(intent, mined.blockNumber);
    await settleFailure(intent, "reverted", error);
  }

  /** Why a mined transaction reverted: the same call on the state before its block. */
  async function replayRevert(intent: Intent, blockNumber: number): Promise<ChainError> {
    const data = await dataOf(intent);
    try {
      await provider.call({ from: address, to: intent.to, data, value: intent.valueWei, blockTag: blockNumber - 1 });
    } catch (error) {
      const typed = toChainError(error, abis);
      if (typed.code === "L1_REVERT") return typed;
    }
    return new ChainError("L1_REVERT", "without a reason that can be reproduced", { id: intent.id });
  }

  /** One look is not enough to give a nonce up: what it was used for may be our own transaction in a block that just moved. */
  async function performRelease(id: string, nonce: number): Promise<void> {
    const { intent } = stateOf(id);
    const lostLooks = (clocks.get(id)?.lostLooks ?? 0) + 1;
    setClock(id, { lostLooks });
    if (lostLooks < LOST_LOOKS) return;
    setClock(id, { lostLooks: 0 });
    await record({ type: "released", id, nonce });
    if ((await options.isDone?.(intent)) === true) await settle(id, { status: "done-elsewhere" });
  }

  async function perform(action: LaneAction, view: LaneView): Promise<boolean> {
    switch (action.type) {
      case "mined": {
        const { hash, blockNumber, blockHash } = action.receipt;
        await record({ type: "mined", id: action.id, mined: { hash, blockNumber, blockHash } });
        if (rules.confirmations <= view.headNumber - blockNumber + 1) await performSettle(action.id);
        return true;
      }
      case "unmined":
        await record({ type: "unmined", id: action.id });
        options.onReorged?.(action.id);
        return true;
      case "settle":
        await performSettle(action.id);
        return true;
      case "finalize":
        await record({ type: "final", id: action.id });
        forget(stateOf(action.id));
        return true;
      case "release":
        await performRelease(action.id, action.nonce);
        return true;
      case "rebroadcast":
        await performRebroadcast(action.id, action.attempt);
        return true;
      case "bump":
        await performBump(action.id, action.attempt, view);
        return true;
      case "send":
        return await performSend(action.id, action.nonce, view);
      case "fill": {
        const intent: Intent = { id: `fill-${action.nonce}-${nowMs()}`, to: address, valueWei: 0n, data: "0x", gasLimit: FILL_GAS };
        await record({ type: "intent", intent });
        return await performSend(intent.id, action.nonce, view);
      }
    }
  }

  async function checkBalance(): Promise<void> {
    if (options.minBalanceWei === undefined) return;
    const balanceWei = BigInt((await provider.send("eth_getBalance", [address, "latest"])) as string);
    if (balanceWei >= options.minBalanceWei) return void raised.delete("L1_LOW_BALANCE");
    alarm(new ChainError("L1_LOW_BALANCE", `${balanceWei} wei left`, { address, balanceWei, minBalanceWei: options.minBalanceWei }));
  }

  async function latestHash(): Promise<string | undefined> {
    return ((await provider.send("eth_getBlockByNumber", ["latest", false])) as { hash: string } | null)?.hash;
  }

  async function turn(): Promise<void> {
    const active = [...states.values()].filter((state) => !state.isFinal);
    if (active.length === 0) return await checkBalance();
    // What has its outcome waits for blocks only, above it or in its place.
    const isWaiting = active.every(({ mined, outcome }) => mined !== undefined && outcome !== undefined);
    if (isWaiting && seenHead !== undefined && (await latestHash()) === seenHead) return await checkBalance();
    seenHead = undefined;
    const view = await readLane(provider, address, active);
    if (view === undefined) return loop.wake();
    const pressure = options.pressure?.();
    policy = pressure === undefined ? calmPolicy : { ...calmPolicy, maxFeeCapWei: pressure.maxFeeCapWei };
    const laneRules = pressure === undefined ? rules : { ...rules, bumpAfterMs: pressure.bumpAfterMs };
    let isThrough = true;
    for (const action of decideLane(states, view, laneRules, clocks, nowMs())) {
      isThrough = await perform(action, view);
      // Nonces were dealt in this order: when one is not used, the next turn deals again.
      if (!isThrough) break;
    }
    if (isThrough) seenHead = view.headHash;
    await checkBalance();
    if (entryCount > COMPACT_AFTER_ENTRIES) await compact();
  }

  function compact(): Promise<void> {
    return write(async () => {
      const entries = compactJournal(states, KEEP_FINISHED);
      await journal.rewrite(entries);
      entryCount = 0;
      states.clear();
      for (const entry of entries) applyEntry(states, entry);
    });
  }

  const loop = pollingLoop({
    turn,
    pollMs: options.pollMs ?? DEFAULT_POLL_MS,
    onError: (error) => alarm(toChainError(error, abis)),
    onRecovered: () => {
      raised.delete("L1_UNREACHABLE");
      raised.delete("L1_RPC");
      options.onRecovered?.();
    },
  });

  return {
    async start() {
      address = await signer.address();
      states.clear();
      for (const entry of await journal.load()) applyEntry(states, entry);
      loop.start();
    },
    async stop() {
      await loop.stop();
      const error = new ChainError("L1_UNREACHABLE", "the transaction manager was stopped");
      for (const list of waiters.values()) for (const waiter of list) waiter.reject(error);
      waiters.clear();
    },
    async submit(intent) {
      const before = states.get(intent.id);
      if (before === undefined || mayBeAskedAgain(before)) await record({ type: "intent", intent });
      loop.wake();
    },
    wait(intentId) {
      const outcome = states.get(intentId)?.outcome;
      if (outcome !== undefined) return Promise.resolve(outcome);
      return new Promise((resolve, reject) => {
        waiters.set(intentId, [...(waiters.get(intentId) ?? []), { resolve, reject }]);
      });
    },
    find: (intentId) => states.get(intentId),
    turn: () => loop.runNow(),
    status() {
      const open = [...states.values()].filter((state) => !state.isFinal);
      const pending = open.filter((state) => state.mined === undefined);
      return { pending: pending.length, unconfirmed: open.length - pending.length, oldestPendingId: pending[0]?.intent.id };
    },
  };
}
