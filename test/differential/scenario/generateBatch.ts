import type { ChannelDomain } from "../../../core/channel/index.ts";
import { encodeHeader } from "../../../core/codec/header.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { bundleDigest, recordsHash } from "../../../core/codec/bundle.ts";
import { AUTH, OP, SLOT_BYTES } from "../../../core/generated/protocol.ts";
import { createActor, signCompact } from "./Actors.ts";
import type { Actor } from "./Actors.ts";
import type { Aim, Planned } from "./Aim.ts";
import { generateRecord } from "./generateRecord.ts";
import type { Random } from "./Random.ts";
import type { StateView } from "./StateView.ts";

/** An entry of the forced queue, with the slots that a FORCED one carries. */
export interface PlannedEntry {
  readonly kind: number;
  readonly sender: Uint8Array;
  readonly account: Uint8Array;
  readonly value: number;
  /** Slots of a FORCED entry, empty otherwise. */
  readonly data: Uint8Array;
  readonly dueTime: number;
}

export interface PlannedBatch {
  readonly l2Time: number;
  readonly entries: readonly PlannedEntry[];
  /** The entries it consumes, counted over the whole queue. */
  readonly queueEnd: number;
  readonly data: Uint8Array;
}

export interface Stage {
  readonly random: Random;
  readonly view: StateView;
  readonly cast: readonly Actor[];
  readonly domainSeparator: Uint8Array;
  readonly channels: ChannelDomain;
}

const stranger = createActor("stranger");

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function signerFor({ random, cast }: Stage, leaf: Readonly<Record<string, unknown>>): Actor {
  const keyOf = (address: unknown): Actor | undefined => cast.find((actor) => toHex(actor.address) === toHex(address as Uint8Array));
  const session = keyOf(leaf["sessionKey"]);
  if (session !== undefined && random.chance(0.4)) return session;
  return keyOf(leaf["owner"]) ?? stranger;
}

/** Bundles in one batch by one agent need nonces one after the other. */
type Nonces = Map<number, number>;

function generateBundle(stage: Stage, aim: Aim, nonces: Nonces, forced: { sender: Uint8Array } | undefined): Uint8Array {
  const { random, view } = stage;
  const first: Planned = generateRecord(aim);
  const slots = [...(first.lead ?? []), first.slot];
  const wanted = random.pick([1, 2, 3, 4]);
  for (let tries = 0; tries < 30 && slots.length < wanted; tries += 1) {
    const next = generateRecord(aim);
    if (next.agent === first.agent) slots.push(...(next.lead ?? []), next.slot);
  }
  const agent = random.chance(0.03) ? random.pick([0, 0xffffffff, aim.agents.length + 1]) : first.agent;
  const leaf = view.agent(aim.agents.includes(agent) ? agent : first.agent);
  const expected = nonces.get(agent) ?? Number(leaf["nonce"]);
  const nonce = random.chance(0.04) ? random.pick([BigInt(expected) + 1n, 2n ** 64n - 1n, expected > 0 ? BigInt(expected) - 1n : 5n]) : BigInt(expected);
  const validUntil = random.chance(0.04) ? Math.max(0, aim.l2Time - 1) : random.pick([aim.l2Time, aim.l2Time + 60, 0xffffffff]);
  const bySender = forced !== undefined && random.chance(0.5);
  const records = concatenate(slots);
  const count = slots.length;
  let signature: Uint8Array = new Uint8Array(64);
  if (!bySender) {
    const lie = random.chance(0.05);
    const digest = bundleDigest({
      domainSeparator: stage.domainSeparator, agent, nonce: Number(nonce), count, validUntil: lie && random.chance(0.4) ? validUntil ^ 1 : validUntil, recordsHash: recordsHash(records),
    });
    signature = signCompact(lie && random.chance(0.4) ? stranger : signerFor(stage, leaf), digest);
    if (lie && random.chance(0.5)) signature = random.pick([new Uint8Array(64), random.bytes(64), new Uint8Array(64).fill(255)]);
  }
  // Outside a forced entry nobody has sent anything on L1: such a header is garbage (M-5).
  const isPretence = !bySender && forced === undefined && signature.every((byte) => byte === 0);
  const header = { auth: bySender || isPretence ? AUTH.L1_SENDER : AUTH.SIGNATURE, count, agent, nonce, validUntil };
  const trusted = agent === first.agent && nonce === BigInt(expected);
  if (trusted) nonces.set(agent, expected + 1);
  return concatenate([encodeHeader({ ...header, signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) }), records]);
}

function generateGarbage({ random }: Stage): Uint8Array {
  const slot = random.chance(0.5) ? random.bytes(SLOT_BYTES) : new Uint8Array(SLOT_BYTES);
  // A header whose records do not fit, of no records, of too many, or with bytes where zeros must be.
  if (random.chance(0.7)) {
    slot.fill(0, 0, 32);
    slot[0] = OP.HEADER;
    slot[1] = random.pick([0, 0, 1, 2]);
    slot[2] = random.pick([0, 1, 2, 3]);
    slot[3] = random.pick([0, 1, 200]);
    if (random.chance(0.3)) slot[random.between(20, 31)] = 1;
  }
  return slot;
}

function generateSlots(stage: Stage, aim: Aim, nonces: Nonces, forced: { sender: Uint8Array } | undefined): Uint8Array {
  const parts: Uint8Array[] = [];
  const bundles = forced === undefined ? stage.random.pick([0, 1, 2, 2, 3]) : stage.random.pick([0, 1, 1, 1]);
  for (let i = 0; i < bundles; i += 1) {
    if (stage.random.chance(0.08)) parts.push(generateGarbage(stage));
    if (aim.agents.length > 0) parts.push(generateBundle(stage, aim, nonces, forced));
  }
  if (stage.random.chance(0.08)) parts.push(generateGarbage(stage));
  return concatenate(parts);
}

function generateEntry(stage: Stage, aim: Aim, nonces: Nonces): PlannedEntry {
  const { random, cast } = stage;
  const zero = new Uint8Array(20);
  const actor = random.pick(cast).address;
  const entry = { kind: OP.DEPOSIT as number, sender: actor, account: zero, value: 0, data: new Uint8Array(0), dueTime: aim.l2Time };
  const kind = random.below(20);
  if (kind < 9 || aim.agents.length < 3) {
    const account = random.chance(0.07) ? zero : random.chance(0.93) ? actor : random.bytes(20);
    return { ...entry, sender: random.chance(0.05) ? zero : actor, account, value: random.chance(0.06) ? 0 : random.pick([random.between(1, 200), random.between(1, 100_000), 100_000]) };
  }
  if (kind < 12) {
    const sender = random.pick([actor, actor, actor, zero, random.bytes(20)]);
    return { ...entry, kind: OP.LINK_AGENT, sender, value: random.chance(0.15) ? Number.MAX_SAFE_INTEGER : random.below(1000) };
  }
  if (kind < 14) return { ...entry, kind: OP.SWEEP_FEES, account: random.chance(0.2) ? zero : actor };
  if (kind === 14) return { ...entry, kind: random.pick([0, 16, 63, 68, 255]) };
  const owner = aim.agents.length === 0 ? actor : (stage.view.agent(random.pick(aim.agents))["owner"] as Uint8Array);
  const sender = random.chance(0.75) ? owner : actor;
  return { ...entry, kind: OP.FORCED, sender, data: generateSlots(stage, aim, nonces, { sender }) };
}

/** The next batch of a sequence; `queued` entries were consumed before it. */
export function generateBatch(stage: Stage, agents: readonly number[], l2TimeBefore: number, queued: number): PlannedBatch {
  const { random } = stage;
  const l2Time = l2TimeBefore + random.pick([0, 0, 1, 5, 5, 20, 60, 150]);
  const aim: Aim = { random, view: stage.view, agents, cast: stage.cast, channels: stage.channels, l2Time };
  const nonces: Nonces = new Map();
  const entryCount = agents.length < 4 ? random.between(2, 5) : random.pick([0, 0, 0, 0, 1, 2]);
  const entries: PlannedEntry[] = [];
  for (let i = 0; i < entryCount; i += 1) entries.push(generateEntry(stage, aim, nonces));
  return { l2Time, entries, queueEnd: queued + entries.length, data: generateSlots(stage, aim, nonces, undefined) };
}
