import { ZeroAddress } from "ethers";

import { encodeRecord, fromHex, toHex } from "../../core/codec/index.ts";
import type { RecordInput, RecordName } from "../../core/codec/index.ts";
import { Trace } from "../../core/dispute/index.ts";
import type { TraceOptions } from "../../core/dispute/index.ts";
import { AUTH, INVOKE_FLAG, LEAF_BYTES, OP, PHASE, SLOT_BYTES } from "../../core/generated/protocol.ts";
import { createStateTree } from "../../core/state/index.ts";
import type { StateTree } from "../../core/state/index.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import type { Actor } from "../differential/scenario/Actors.ts";
import { getField } from "./editLeaf.ts";
import { FEE_RECIPIENT, createDisputeChain } from "./disputeChain.ts";
import type { DisputeChain, DisputeChainOptions } from "./disputeChain.ts";
import { playChannels, setUpChannels } from "./marketChannels.ts";
import { MOVE_GAS } from "./playOnChain.ts";
import { postEpoch } from "./postRollup.ts";
import { joinBytes, TestRollup } from "./TestRollup.ts";
import { mined } from "./mined.ts";

/** Accounts 1 to 5; the last one is up to no good. */
export const AGENT = { ada: 1, bob: 2, cy: 3, dee: 4, mallory: 5 } as const;
export const ACTORS = { ada: createActor("ada"), bob: createActor("bob"), cy: createActor("cy"), dee: createActor("dee"), mallory: createActor("mallory") };
type AgentName = keyof typeof AGENT;

const FILLER_BUNDLES = 8;
const FILLER_RECORDS = 512;
/** Records of the great batch that are but transfers of small change; half of them before all others, half behind them. */
export const FILLER = FILLER_BUNDLES * FILLER_RECORDS;
const SETUP_TIME = 2_000_100_000;
const GREAT_TIME = 2_000_101_000;
export const VICTIM_UNITS = 4_000;

/** What lies in the great batch, by the steps that a liar may pick. */
export interface MarketSteps {
  /** Execution of a labelled record. */
  readonly exec: ReadonlyMap<string, number>;
  /** The step that reads the header of a labelled bundle. */
  readonly header: ReadonlyMap<string, number>;
  /** The step that decides on its nonce, time and signature. */
  readonly verify: ReadonlyMap<string, number>;
  /** The entry's own step, by its index. */
  readonly entry: ReadonlyMap<number, number>;
}

/** An epoch with every kind of operation in one batch of more than 4,096 records, posted; the one before it is confirmed. */
export interface MarketEpoch {
  readonly chain: DisputeChain;
  readonly rollup: TestRollup;
  readonly options: TraceOptions;
  readonly truth: Trace;
  readonly steps: MarketSteps;
  /** Index of the great batch. */
  readonly batch: number;
  /** Slot of a labelled record or bundle in it. */
  readonly slots: ReadonlyMap<string, number>;
  /** The claim that the epoch follows, for each table. */
  readonly parents: readonly string[];
  readonly accumulator: string;
  /** Holds every leaf of the epoch's end. */
  readonly tree: StateTree;
  /** A withdrawal of the epoch. */
  withdrawalLeaf(index: number): Uint8Array;
  /** Makes the chain again what it was before the first dispute. */
  reset(): Promise<void>;
}

const record = <N extends RecordName>(op: N, fields: RecordInput<N>): Uint8Array => encodeRecord(op, fields);

/** Collects the bundles of one batch; agents' nonces follow one another. */
class BatchWriter {
  readonly slots = new Map<string, number>();
  readonly #rollup: TestRollup;
  readonly #parts: Uint8Array[] = [];
  readonly #nonces = new Map<number, number>();
  #at = 0;

  constructor(rollup: TestRollup) {
    this.#rollup = rollup;
  }

  /** A bundle; its records' labels, if any, stand before them. */
  add(agent: AgentName, label: string, records: readonly (readonly [label: string, slot: Uint8Array])[], signer: Actor = ACTORS[agent]): Uint8Array {
    const index = AGENT[agent];
    const nonce = this.#nonces.get(index) ?? Number(getField(this.#rollup.state, "AGENT", index, "nonce"));
    const bundle = this.#rollup.bundle({ agent: index, signer, records: records.map(([, slot]) => slot), nonce });
    if (signer === ACTORS[agent]) this.#nonces.set(index, nonce + 1);
    for (const [i, [name]] of records.entries()) if (name !== "") this.slots.set(name, this.#at + 1 + i);
    this.append(label, bundle);
    return bundle;
  }

  append(label: string, slots: Uint8Array): void {
    this.slots.set(label, this.#at);
    this.#parts.push(slots);
    this.#at += slots.length / SLOT_BYTES;
  }

  /** The agent will have signed one more before this batch's slots are read. */
  skipNonce(agent: AgentName): void {
    this.#nonces.set(AGENT[agent], Number(getField(this.#rollup.state, "AGENT", AGENT[agent], "nonce")) + 1);
  }

  get data(): Uint8Array {
    return joinBytes(this.#parts);
  }
}

/** Small change among the four honest agents. */
function fill(batch: BatchWriter, first: number): void {
  const names = ["ada", "bob", "cy", "dee"] as const;
  for (let bundle = first; bundle < first + FILLER_BUNDLES / 2; bundle += 1) {
    const from = bundle % names.length;
    const records = Array.from({ length: FILLER_RECORDS }, (_, i) => {
      const to = AGENT[names[(from + 1 + (i % 3)) % names.length]!];
      return ["", record("TRANSFER", { to, amount: 1 + (i % 9) })] as const;
    });
    batch.add(names[from]!, `filler ${bundle}`, records);
  }
}

/** Calls, a workflow, a session and channels in every condition that the great batch needs. */
function setUp(rollup: TestRollup): void {
  const later = SETUP_TIME + 100_000;
  for (const name of Object.keys(AGENT) as AgentName[]) {
    rollup.enqueue({ kind: OP.DEPOSIT, sender: ACTORS[name].address, account: ACTORS[name].address, value: 1_000_000 });
  }
  rollup.submit(SETUP_TIME);
  rollup.run();
  const batch = new BatchWriter(rollup);
  const invoke = (fields: RecordInput<"INVOKE">) => ["", record("INVOKE", { deadline: later, ...fields })] as const;
  const respond = (slot: number) => ["", record("RESPOND", { status: 0, slot, id: slot + 1, outputHash: new Uint8Array(32).fill(slot + 1) })] as const;
  batch.add("ada", "calls", [
    invoke({ flags: INVOKE_FLAG.REVIEW, provider: AGENT.bob, price: 100, reviewWindow: 10_000 }),
    invoke({ flags: INVOKE_FLAG.REVIEW, provider: AGENT.bob, price: 110, reviewWindow: 10_000 }),
    invoke({ provider: AGENT.bob, price: 120, deadline: SETUP_TIME + 5 }),
    invoke({ provider: AGENT.bob, price: 130 }),
    ["", record("WORKFLOW_OPEN", { expected: 1, escrow: 1_000, deadline: later })],
    ["", record("WORKFLOW_OPEN", { expected: 1, escrow: 1_100, deadline: later })],
    invoke({ flags: INVOKE_FLAG.WORKFLOW, provider: AGENT.cy, price: 300, workflowSlot: 0, workflowId: 1 }),
    invoke({ flags: INVOKE_FLAG.WORKFLOW, provider: AGENT.cy, price: 310, workflowSlot: 1, workflowId: 2 }),
    invoke({ flags: INVOKE_FLAG.SESSION, provider: AGENT.dee, price: 50 }),
  ]);
  batch.add("bob", "answers", [respond(0), respond(1)]);
  batch.add("cy", "steps", [respond(4), respond(5)]);
  batch.add("dee", "session", [respond(6)]);
  batch.add("bob", "compose", [["", record("COMPOSE", { slot: 1, id: 2 })]]);
  batch.add("cy", "channels", setUpChannels(rollup, [ACTORS.cy, ACTORS.dee]));
  rollup.submit(SETUP_TIME, batch.data);
  requireFine(rollup, new Map());
}

/** Runs what was submitted; every record must succeed and every header but those expected to fail. */
function requireFine(rollup: TestRollup, refused: ReadonlyMap<number, number>): void {
  for (const trace of rollup.run()) {
    if (trace.outcome !== 0 && !refused.has(trace.outcome)) throw new Error(`phase ${trace.phase}, operation ${trace.op}, slot ${trace.slot}: outcome ${trace.outcome}`);
  }
}

function greatBatch(rollup: TestRollup): BatchWriter {
  const batch = new BatchWriter(rollup);
  const later = GREAT_TIME + 100_000;
  batch.skipNonce("dee"); // by its forced entry
  fill(batch, 0);
  batch.add("cy", "cy's channels", playChannels(rollup, [ACTORS.cy, ACTORS.dee]));
  batch.add("ada", "ada's day", [
    ["TRANSFER", record("TRANSFER", { to: AGENT.bob, amount: 1_000 })],
    ["WITHDRAW", record("WITHDRAW", { recipient: ACTORS.ada.address, amount: VICTIM_UNITS })],
    ["INVOKE", record("INVOKE", { provider: AGENT.bob, price: 150, deadline: later, capability: 7, inputHash: new Uint8Array(32).fill(3) })],
    ["ACCEPT", record("ACCEPT", { rating: 5, slot: 0, id: 1 })],
    ["REJECT", record("REJECT", { rating: 1, slot: 1, id: 2 })],
    ["WORKFLOW_OPEN", record("WORKFLOW_OPEN", { expected: 2, escrow: 500, deadline: later })],
    ["SET_SESSION_KEY", record("SET_SESSION_KEY", { key: ACTORS.cy.address, cap: 300, expiry: later })],
    ["ADVERTISE", record("ADVERTISE", { capabilitiesHash: new Uint8Array(32).fill(8), pricesHash: new Uint8Array(32).fill(9) })],
    ["SESSION_CLOSE", record("SESSION_CLOSE", { slot: 0, id: 1 })],
    ["OPEN_ACCOUNT", record("OPEN_ACCOUNT", { owner: createActor("frank").address, amount: 250 })],
    ["", record("TRANSFER", { to: AGENT.cy, amount: 77 })],
  ]);
  batch.add("bob", "bob's day", [
    ["RESPOND", record("RESPOND", { status: 0, slot: 3, id: 4, outputHash: new Uint8Array(32).fill(4) })],
    ["TIMEOUT", record("TIMEOUT", { slot: 2, id: 3 })],
    ["COMPOSE", record("COMPOSE", { slot: 0, id: 1 })],
    ["CLAIM", record("CLAIM", { slot: 5, id: 6 })],
    ["", record("TRANSFER", { to: AGENT.dee, amount: 5 })],
  ]);
  const paid = batch.add("ada", "paid once", [["", record("TRANSFER", { to: AGENT.mallory, amount: 5_000 })], ["", record("TRANSFER", { to: AGENT.bob, amount: 3 })]]);
  batch.append("replayed", paid);
  batch.add("ada", "forged", [["", record("TRANSFER", { to: AGENT.mallory, amount: 100_000 })]], ACTORS.mallory);
  batch.add("cy", "cy's day", [
    ["first", record("TRANSFER", { to: AGENT.dee, amount: 10 })],
    ["second", record("TRANSFER", { to: AGENT.ada, amount: 20_000 })],
    ["third", record("WITHDRAW", { recipient: ACTORS.cy.address, amount: 60 })],
    ["", record("TRANSFER", { to: AGENT.bob, amount: 30 })],
  ]);
  batch.add("dee", "dee's day", [["", record("TRANSFER", { to: AGENT.ada, amount: 40 })], ["", record("TRANSFER", { to: AGENT.ada, amount: 41 })]]);
  fill(batch, FILLER_BUNDLES / 2);
  return batch;
}

/** Entries 5 to 10, after the deposits of the first epoch. */
function enqueueDay(rollup: TestRollup): void {
  const eve = createActor("eve").address;
  rollup.enqueue({ kind: OP.DEPOSIT, sender: ACTORS.bob.address, account: ACTORS.bob.address, value: 900 });
  rollup.enqueue({ kind: OP.DEPOSIT, sender: ACTORS.dee.address, account: eve, value: 700 });
  rollup.enqueue({ kind: OP.LINK_AGENT, sender: ACTORS.bob.address, value: 1 });
  const forced = rollup.bundle({ agent: AGENT.dee, signer: ACTORS.dee, auth: AUTH.L1_SENDER, records: [record("WITHDRAW", { recipient: ACTORS.dee.address, amount: 2_000 }), record("TRANSFER", { to: AGENT.ada, amount: 1 })] });
  rollup.enqueue({ kind: OP.FORCED, sender: ACTORS.dee.address, data: forced });
  rollup.enqueue({ kind: OP.SWEEP_FEES, sender: ACTORS.ada.address, account: fromHex(FEE_RECIPIENT) });
  rollup.enqueue({ kind: OP.DEPOSIT, sender: ACTORS.cy.address, account: ACTORS.cy.address, value: 50 });
}
export const ENTRY = { deposit: 5, account: 6, link: 7, forced: 8, sweep: 9 } as const;

/** Executes the epoch step by step, noting which step does what. */
function walk(rollup: TestRollup, great: number, slots: ReadonlyMap<string, number>, from: number): { steps: MarketSteps; refusals: number[] } {
  const labels = new Map([...slots].map(([label, slot]) => [slot, label]));
  const [exec, header, verify, entry] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>(), new Map<number, number>()];
  const refusals: number[] = [];
  let bundle = "";
  for (let step = from; !rollup.isDone; step += 1) {
    const { phase, batch, entry: read, slot, op, outcome } = rollup.step();
    const label = batch === rollup.batches[great] ? labels.get(slot) : undefined;
    if (phase === PHASE.SLOTS && label !== undefined) header.set((bundle = label), step);
    if (phase === PHASE.VERIFY) verify.set(bundle, step);
    if (phase === PHASE.EXEC && label !== undefined) exec.set(label, step);
    if (phase === PHASE.EXEC && read !== null) exec.set(`forced ${slot}`, step);
    if (phase === PHASE.INBOX && read !== null) entry.set(rollup.entries.indexOf(read), step);
    if (outcome !== 0) refusals.push(outcome);
    if (outcome !== 0 && op >= 0) throw new Error(`operation ${op} in slot ${slot}: outcome ${outcome}`);
  }
  return { steps: { exec, header, verify, entry }, refusals };
}

/** @param parts of each table; the Bridge pays by the first */
export async function createMarketEpoch(parts: readonly number[], { terms, node }: Pick<DisputeChainOptions, "terms" | "node"> = {}): Promise<MarketEpoch> {
  const feeTable = new Array<number>(24).fill(1);
  const chain = await createDisputeChain({ parts, feeTable, terms, node });
  const rollup = new TestRollup({ fee: 1, domainSeparator: chain.domainSeparator, channels: chain.channels });
  const tree = createStateTree();
  setUp(rollup);
  const before = rollup.batches.length;
  tree.apply(rollup.state.drainDirty());
  const start = { state: rollup.state.exportSnapshot(), tree: tree.snapshot() };
  const parentRoot = toHex(tree.root());

  // A batch of its own before the great one and one after it: the lie is in neither the first nor the last.
  rollup.submit(GREAT_TIME, rollup.bundle({ agent: AGENT.bob, signer: ACTORS.bob, records: [record("TRANSFER", { to: AGENT.ada, amount: 2 })] }));
  const stepsBefore = rollup.run().length;
  enqueueDay(rollup);
  const great = rollup.batches.length;
  const writer = greatBatch(rollup);
  rollup.submit(GREAT_TIME, writer.data);
  const { steps, refusals } = walk(rollup, great, writer.slots, stepsBefore);
  if (refusals.length !== 2) throw new Error(`headers refused: ${refusals.join(", ")}`);
  rollup.submit(GREAT_TIME, rollup.bundle({ agent: AGENT.bob, signer: ACTORS.bob, records: [record("TRANSFER", { to: AGENT.ada, amount: 2 })] }));
  rollup.run();
  const { withdrawals } = rollup.state;
  const [firstWithdrawal, ownWithdrawals] = [withdrawals.first, withdrawals.bytes.slice(0, withdrawals.count * LEAF_BYTES)];
  tree.apply(rollup.state.drainDirty());

  await chain.setNextTime(SETUP_TIME);
  for (let id = 0; id < 2; id += 1) await mined(chain.registry.register(""));
  await postEpoch(chain, rollup, 0, before);
  await postEpoch(chain, rollup, before, rollup.batches.length);
  const parents: string[] = [];
  for (const { settlement } of chain.tables) {
    const genesis = await settlement.genesisClaim();
    await mined(settlement.claim(genesis, 1, 0, parentRoot, await chain.inbox.epochAccumulator(0), ZeroAddress, { value: chain.terms.bondWei, gasLimit: MOVE_GAS }));
    parents.push(await settlement.claimIdOf(genesis, 1, 0, parentRoot));
  }
  await chain.connection.networkHelpers.time.increase(chain.terms.windowSeconds);
  for (const [i, { settlement }] of chain.tables.entries()) await mined(settlement.confirm(parents[i]!));
  const ready = await chain.connection.networkHelpers.takeSnapshot();
  const options: TraceOptions = { start, batchEnd: rollup.batches.length, l1: rollup, parameters: rollup.parameters };
  return {
    chain, rollup, options, steps, tree, parents,
    truth: new Trace(options),
    withdrawalLeaf: (index) => ownWithdrawals.slice((index - firstWithdrawal) * LEAF_BYTES, (index - firstWithdrawal + 1) * LEAF_BYTES),
    batch: great,
    slots: writer.slots,
    accumulator: await chain.inbox.epochAccumulator(1),
    reset: () => ready.restore(),
  };
}
