import { getBytes, keccak256 } from "ethers";

import { decodeLeaf, encodeRecord, encodeLeaf, fromHex, toHex } from "../../../core/codec/index.ts";
import type { FieldInput, RecordName } from "../../../core/codec/index.ts";
import { recordStep } from "../../../core/dispute/index.ts";
import type { RecordedStep } from "../../../core/dispute/index.ts";
import { AUTH, FIELD_BYTES, KIND, LEAF_LAYOUT, OP, PHASE, RECORD, RECORD_LAYOUT, SLOT_BYTES, SYSTEM_LEAF } from "../../../core/generated/protocol.ts";
import type { FieldType, LeafName } from "../../../core/generated/protocol.ts";
import { createStateTree } from "../../../core/state/index.ts";
import type { StateTree } from "../../../core/state/index.ts";
import { createActor } from "../../differential/scenario/Actors.ts";
import type { Actor } from "../../differential/scenario/Actors.ts";
import { joinBytes, TestRollup } from "../TestRollup.ts";
import { idOfVectorChannel, signatureSlot } from "./channelSignature.ts";
import type { SetupStep, VectorCase, VectorEntry, VectorFields, VectorFile, VectorPart, VectorRecord, VectorValue } from "./Vector.ts";

const START_TIME = 1000;
const SYSTEM_NAMES = Object.keys(SYSTEM_LEAF) as (keyof typeof SYSTEM_LEAF)[];
type Fields = Record<string, string | number>;

/** Where a leaf stands, from `MACHINE` or `AGENT[1]`. */
export function parseLeaf(text: string): { name: LeafName; kind: number; index: number } {
  if (text in SYSTEM_LEAF) return { name: text as LeafName, kind: KIND.SYSTEM, index: SYSTEM_LEAF[text as keyof typeof SYSTEM_LEAF] };
  const match = /^([A-Z]+)\[(\d+)\]$/.exec(text);
  if (match === null || !(match[1] in KIND)) throw new Error(`There is no leaf ${text}.`);
  return { name: match[1] as LeafName, kind: KIND[match[1] as keyof typeof KIND], index: Number(match[2]) };
}

/** `MACHINE` or `AGENT[1]`. */
export function leafText(kind: number, index: number): string {
  if (kind === KIND.SYSTEM) return SYSTEM_NAMES.find((name) => SYSTEM_LEAF[name] === index) ?? `SYSTEM[${index}]`;
  return `${Object.entries(KIND).find(([, value]) => value === kind)?.[0]}[${index}]`;
}

function bytesOf(text: string): Uint8Array {
  const repeated = /^([0-9a-f]{2})x(\d+)$/.exec(text);
  if (repeated !== null) return new Uint8Array(Number(repeated[2])).fill(parseInt(repeated[1], 16));
  return text.startsWith("0x") ? fromHex(text) : createActor(text).address;
}

/** The value of a field: a number; `11x32` (a byte repeated); hex; an actor's name for an address; a keccak of such. */
export function fieldInput(type: FieldType, value: VectorValue): FieldInput {
  if (typeof value === "object" && "channelId" in value) return fromHex(idOfVectorChannel(value.channelId));
  if (typeof value === "object") return getBytes(keccak256(joinBytes(value.keccak.map(bytesOf))));
  if (typeof value === "number") return type === "address" || type === "bytes32" ? new Uint8Array(FIELD_BYTES[type]) : value;
  return type.startsWith("u") ? BigInt(value) : bytesOf(value);
}

function inputs(layout: readonly (readonly [string, FieldType, number])[], fields: VectorFields): Record<string, FieldInput> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const field = layout.find(([candidate]) => candidate === name);
      if (field === undefined) throw new Error(`There is no field ${name}.`);
      return [name, fieldInput(field[1], value)];
    }),
  );
}

/** A leaf's fields as numbers and hex. */
export function readable(name: LeafName, leaf: Uint8Array): Fields {
  return Object.fromEntries(Object.entries(decodeLeaf(name, leaf)).map(([field, value]) => [field, typeof value === "number" ? value : toHex(value)]));
}

/** Fields of a vector as numbers and hex. */
export function readableFields(name: LeafName, fields: VectorFields): Fields {
  return Object.fromEntries(
    Object.entries(inputs(LEAF_LAYOUT[name], fields)).map(([field, value]) => [field, value instanceof Uint8Array ? toHex(value) : Number(value)]),
  );
}

function patched(slot: Uint8Array, patch: Readonly<Record<string, number>> | undefined): Uint8Array {
  for (const [offset, value] of Object.entries(patch ?? {})) slot[Number(offset)] = value;
  return slot;
}

/** Plays a case up to its measured step and records that one. */
export class VectorRun {
  readonly rollup: TestRollup;
  readonly tree: StateTree = createStateTree();
  #time = START_TIME;

  constructor(file: VectorFile, vector: VectorCase) {
    const fees = Object.fromEntries(Object.entries(vector.fees ?? {}).map(([op, fee]) => [OP[op as keyof typeof OP], fee]));
    this.rollup = new TestRollup({ fees });
    for (const step of [...(file.setup ?? []), ...(vector.setup ?? [])]) this.#setUp(step);
  }

  /** L2 time of the measured step. */
  get time(): number {
    return this.#time;
  }

  /** Makes the measured step. */
  measure(vector: VectorCase): RecordedStep {
    const { rollup } = this;
    const { step } = vector;
    if (!("none" in step)) this.#submit(step);
    const before = "op" in step ? (step.before?.length ?? 0) : 0;
    const phase = PHASE[(vector.phase ?? ("entry" in step ? "INBOX" : "EXEC")) as keyof typeof PHASE];
    while (rollup.phase !== phase) {
      if (rollup.isDone) throw new Error("The batch ended before the measured step.");
      rollup.step();
    }
    for (let record = 0; record < before; record += 1) {
      rollup.step();
      this.tree.apply(rollup.state.drainDirty());
    }
    return recordStep(rollup.machine, this.tree, rollup.batches.length, rollup);
  }

  #setUp(step: SetupStep): void {
    const { rollup } = this;
    if ("time" in step) this.#time = step.time;
    else if ("fund" in step) rollup.fund(this.#time, Object.entries(step.fund).map(([name, units]) => [createActor(name), units] as const));
    else if ("leaf" in step) this.#setLeaf(step.leaf, step.set);
    else {
      this.#submit(step);
      const failed = rollup.run().find((trace) => trace.outcome !== 0);
      if (failed !== undefined) throw new Error(`The setup failed with ${failed.outcome}: ${JSON.stringify(step)}`);
    }
    this.tree.apply(rollup.state.drainDirty());
  }

  #setLeaf(text: string, fields: VectorFields): void {
    const { name, kind, index } = parseLeaf(text);
    const store = this.rollup.state.store(kind);
    const old = decodeLeaf(name, store.leaf(index));
    store.setLeaf(index, encodeLeaf(name, { ...old, ...inputs(LEAF_LAYOUT[name], fields) }));
  }

  #submit(step: VectorRecord | VectorEntry | { readonly slot: Readonly<Record<string, number>> }): void {
    const { rollup } = this;
    if ("op" in step) {
      rollup.submit(this.#time, this.#bundle(step, step.auth ?? AUTH.SIGNATURE));
    } else if ("slot" in step) {
      rollup.submit(this.#time, patched(new Uint8Array(SLOT_BYTES), step.slot));
    } else {
      rollup.enqueue({
        kind: typeof step.entry === "number" ? step.entry : OP[step.entry as keyof typeof OP],
        sender: step.sender === undefined ? undefined : bytesOf(step.sender),
        account: step.account === undefined ? undefined : bytesOf(step.account),
        value: step.value,
        data: step.forced === undefined ? undefined : this.#bundle(step.forced, step.forced.auth ?? AUTH.SIGNATURE),
      });
      rollup.submit(this.#time);
    }
  }

  #bundle(record: VectorRecord, auth: number): Uint8Array {
    const signer: Actor = createActor(record.signedBy ?? record.by);
    const slot = this.#slot(record);
    const bundle = this.rollup.bundle({
      agent: record.agent ?? this.#agentOf(record.by),
      signer,
      records: [...(record.before ?? []).map((part) => this.#slot(part)), slot, ...(record.after ?? []).map((part) => this.#slot(part))],
      nonce: record.nonce,
      validUntil: record.validUntil,
      auth,
    });
    return patched(bundle, record.patchHeader);
  }

  #slot(part: VectorPart): Uint8Array {
    if ("sign" in part) return signatureSlot(part);
    const op = part.op as RecordName;
    return patched(encodeRecord(op, inputs(RECORD_LAYOUT[op], part.fields ?? {})), part.patch);
  }

  #agentOf(name: string): number {
    const { address } = createActor(name);
    return this.rollup.state.directory.find(new DataView(address.buffer, address.byteOffset), 0);
  }
}

/** Nonce in the header of the measured bundle. */
export function nonceOf(recorded: RecordedStep): number {
  const data = recorded.trace.batch?.data ?? recorded.trace.entry?.data;
  return data === undefined ? 0 : new DataView(data.buffer, data.byteOffset).getUint32(RECORD.HEADER.nonce + 4);
}
