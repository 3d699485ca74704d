import { channelDomain } from "../../core/channel/index.ts";
import type { ChannelDomain } from "../../core/channel/index.ts";
import { batchDataRoot } from "../../core/codec/batch.ts";
import { bundleDigest, domainSeparator, recordsHash } from "../../core/codec/bundle.ts";
import { encodeHeader } from "../../core/codec/header.ts";
import { AGENT, AUTH, KIND, MACHINE, OP, PHASE, SLOT_BYTES, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import { createState } from "../../core/state/index.ts";
import type { State } from "../../core/state/index.ts";
import { Machine } from "../../core/transition/index.ts";
import type { BatchInput, EntryInput, L1Data, StepTrace, TransitionParameters } from "../../core/transition/index.ts";
import { signCompact } from "../differential/scenario/Actors.ts";
import type { Actor } from "../differential/scenario/Actors.ts";

const NO_BYTES = new Uint8Array(0);
const ZERO_ADDRESS = new Uint8Array(20);

/** The domain of rollups in tests: L1 31337, an Inbox that does not exist. */
export const TEST_DOMAIN = domainSeparator({ chainId: 31337, inbox: new Uint8Array(20).fill(0xab) });

/** The ChannelAdjudicator of rollups in tests, which does not exist either. */
export const TEST_ADJUDICATOR = `0x${"ad".repeat(20)}`;

/** What channels sign for there. */
export const TEST_CHANNELS = channelDomain({ chainId: 31337, adjudicator: new Uint8Array(20).fill(0xad) });

/** An entry of the queue; what is left out is zero. */
export interface EntryFields {
  readonly kind: number;
  readonly sender?: Uint8Array;
  readonly account?: Uint8Array;
  readonly value?: number | bigint;
  /** Slots of a FORCED entry. */
  readonly data?: Uint8Array;
  readonly dueTime?: number;
}

/** What a bundle's header says; the nonce is the agent's next one unless given. */
export interface BundleFields {
  readonly agent: number;
  readonly signer: Actor;
  readonly records: readonly Uint8Array[];
  readonly nonce?: number;
  readonly validUntil?: number;
  readonly auth?: number;
}

/** One byte array out of many. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A rollup without L1: batches and queue in memory, executed by the machine step by step. */
export class TestRollup implements L1Data {
  readonly state: State;
  readonly machine: Machine;
  readonly batches: BatchInput[] = [];
  readonly entries: EntryInput[] = [];
  readonly feeTable: number[];
  readonly domainSeparator: Uint8Array;
  readonly channels: ChannelDomain;

  constructor(options: { fees?: Readonly<Record<number, number>>; fee?: number; domainSeparator?: Uint8Array; channels?: ChannelDomain } = {}) {
    this.state = createState();
    this.feeTable = Array.from({ length: 24 }, (_, i) => options.fees?.[i + 16] ?? options.fee ?? 0);
    this.domainSeparator = options.domainSeparator ?? TEST_DOMAIN;
    this.channels = options.channels ?? TEST_CHANNELS;
    this.machine = new Machine(this.state, this.parameters);
  }

  get parameters(): TransitionParameters {
    return { domainSeparator: this.domainSeparator, channels: this.channels, feeTable: this.feeTable };
  }

  batch(index: number): BatchInput {
    return this.batches[index];
  }

  entry(index: number): EntryInput {
    return this.entries[index];
  }

  /** Appends an entry to the queue. */
  enqueue(fields: EntryFields): void {
    const data = fields.data ?? NO_BYTES;
    this.entries.push({
      kind: fields.kind,
      sender: fields.sender ?? ZERO_ADDRESS,
      account: fields.account ?? ZERO_ADDRESS,
      value: fields.value ?? 0,
      slots: data.length / SLOT_BYTES,
      dataRoot: batchDataRoot(data),
      dueTime: fields.dueTime ?? 0,
      data,
    });
  }

  /** Appends a batch that consumes the whole queue. */
  submit(l2Time: number, data: Uint8Array = NO_BYTES, queueEnd = this.entries.length): void {
    this.batches.push({ l2Time, queueEnd, slots: data.length / SLOT_BYTES, dataRoot: batchDataRoot(data), data });
  }

  /** A signed bundle: header and records. With auth L1_SENDER it carries no signature. */
  bundle(fields: BundleFields): Uint8Array {
    const slots = joinBytes(fields.records);
    const agentLeaf = this.state.agents.leaf(fields.agent);
    const nonce = fields.nonce ?? new DataView(agentLeaf.buffer).getUint32(AGENT.nonce + 4);
    const header = { agent: fields.agent, nonce, count: fields.records.length, validUntil: fields.validUntil ?? 0xffffffff, auth: fields.auth ?? AUTH.SIGNATURE };
    if (header.auth === AUTH.L1_SENDER) return joinBytes([encodeHeader(header), slots]);
    const signature = signCompact(fields.signer, bundleDigest({ domainSeparator: this.domainSeparator, ...header, recordsHash: recordsHash(slots) }));
    return joinBytes([encodeHeader({ ...header, signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) }), slots]);
  }

  /** The machine's phase. */
  get phase(): number {
    return this.state.system.u8(MACHINE.phase);
  }

  /** True when all batches are executed. */
  get isDone(): boolean {
    return this.phase === PHASE.IDLE && this.state.system.u64(MACHINE.batchIndex) >= this.batches.length;
  }

  step(): StepTrace {
    return this.machine.step(this.batches.length, this);
  }

  /** Steps until every batch is executed; returns the traces. */
  run(): StepTrace[] {
    const traces: StepTrace[] = [];
    while (!this.isDone) traces.push(this.step());
    return traces;
  }

  /** Opens accounts 1, 2, … with these balances, in one batch. */
  fund(l2Time: number, accounts: readonly (readonly [actor: Actor, units: number])[]): void {
    for (const [actor, units] of accounts) this.enqueue({ kind: OP.DEPOSIT, sender: actor.address, account: actor.address, value: units });
    this.submit(l2Time);
    this.run();
  }

  /** Executes a bundle in a batch of its own; returns the outcome of each record, or the header error alone. */
  play(l2Time: number, fields: BundleFields): number[] {
    this.submit(l2Time, this.bundle(fields));
    const traces = this.run();
    const failed = traces.find((trace) => (trace.phase === PHASE.VERIFY || trace.phase === PHASE.SLOTS) && trace.outcome !== 0);
    return failed === undefined ? traces.filter((trace) => trace.phase === PHASE.EXEC).map((trace) => trace.outcome) : [failed.outcome];
  }

  /** A copy of the MACHINE leaf. */
  machineLeaf(): Uint8Array {
    return this.state.leaf(KIND.SYSTEM, SYSTEM_LEAF.MACHINE);
  }
}
