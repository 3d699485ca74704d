import { baseDigest, channelIdOf, closeDigest, exportDigest, grantDigest, HOME, voucherDigest } from "../../../core/channel/index.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { encodeRecord } from "../../../core/codec/record.ts";
import { CHANNEL_STATUS, CLOSE_MODE, MAX_CHANNEL_SECONDS, MAX_UNITS, UPDATE_KIND } from "../../../core/generated/protocol.ts";
import { signCompact } from "./Actors.ts";
import type { Actor } from "./Actors.ts";
import { amountFor, otherAgent, partyOr, preferring, referenceTo, someAgent } from "./Aim.ts";
import type { Aim, Generator } from "./Aim.ts";
import type { Placed } from "./StateView.ts";

const ZERO_WORD = new Uint8Array(32);
const PARTIES = ["a", "b"] as const;

/** A channel to aim at: what the record names, and what there is, if anything. */
interface Found {
  readonly slot: number;
  readonly id: number | bigint;
  readonly target: Placed | undefined;
}

const isOpen = ({ fields }: Placed): boolean => fields["status"] === CHANNEL_STATUS.OPEN;
const isClosing = ({ fields }: Placed): boolean => fields["status"] === CHANNEL_STATUS.CLOSING;

function find(aim: Aim, wanted: (channel: Placed) => boolean): Found {
  const all = aim.view.channels();
  return referenceTo(aim, preferring(aim, all.filter(wanted), all));
}

/** 0 or 1, seldom a side that there is not. */
function someSide({ random }: Aim): number {
  return random.chance(0.03) ? random.between(2, 255) : random.below(2);
}

function ownerOf(aim: Aim, agent: number): Uint8Array {
  return aim.view.agent(agent)["owner"] as Uint8Array;
}

function actorOf(aim: Aim, address: Uint8Array): Actor | undefined {
  return aim.cast.find((actor) => toHex(actor.address) === toHex(address));
}

/** CH-1; now and then that of another channel. */
function channelIdFor(aim: Aim, { fields }: Placed): Uint8Array {
  const isOther = aim.random.chance(0.02);
  return channelIdOf({
    home: HOME.CORE,
    partyA: ownerOf(aim, fields["a"] as number),
    partyB: ownerOf(aim, fields["b"] as number),
    asset: new Uint8Array(20),
    unit: 0,
    windowSeconds: fields["window"] as number,
    flags: 0,
    salt: (fields["id"] as number) + (isOther ? 1 : 0),
  });
}

/** What a side signs with: its owner's key mostly, its granted one sometimes, seldom somebody else's. */
function signerOf(aim: Aim, { fields }: Placed, side: number, keys = 0.35): Actor {
  const { random, cast } = aim;
  if (random.chance(0.03)) return random.pick(cast);
  const granted = actorOf(aim, (fields as unknown as Record<string, Uint8Array>)[side === 0 ? "keyA" : "keyB"] as Uint8Array);
  if (granted !== undefined && random.chance(keys)) return granted;
  return actorOf(aim, ownerOf(aim, fields[side === 0 ? "a" : "b"] as number)) ?? random.pick(cast);
}

function signed(signer: Actor, digest: Uint8Array): Uint8Array {
  const signature = signCompact(signer, digest);
  return encodeRecord("SIGNATURE", { signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) });
}

/** Seldom nothing, or not what was asked for. */
function leadOf(aim: Aim, slots: readonly Uint8Array[]): readonly Uint8Array[] {
  return aim.random.chance(0.03) ? slots.slice(1) : slots;
}

function totalFrom(aim: Aim, known: number): number {
  const { random } = aim;
  if (random.chance(0.02)) return MAX_UNITS;
  if (random.chance(0.08)) return Math.max(0, known - random.below(3));
  return Math.min(MAX_UNITS, known + random.between(1, 60));
}

const channelOpen: Generator = (aim) => {
  const { random } = aim;
  const agent = someAgent(aim);
  const window = random.chance(0.06) ? random.pick([0, MAX_CHANNEL_SECONDS + 1, 0xffffffff]) : random.pick([1, 7, 60, 60, 150, 300, MAX_CHANNEL_SECONDS]);
  return { agent, slot: encodeRecord("CHANNEL_OPEN", { partner: otherAgent(aim, agent), amount: random.chance(0.15) ? 0 : amountFor(aim, agent), window }) };
};

const channelFund: Generator = (aim) => {
  const agent = someAgent(aim);
  const { slot, id } = find(aim, isOpen);
  const amount = aim.random.chance(0.05) ? 0 : amountFor(aim, agent);
  return { agent, slot: encodeRecord("CHANNEL_FUND", { side: someSide(aim), slot, id, amount }) };
};

const channelChallenge: Generator = (aim) => {
  const { slot, id, target } = find(aim, isOpen);
  return { agent: partyOr(aim, target, aim.random.pick(PARTIES)), slot: encodeRecord("CHANNEL_CHALLENGE", { slot, id }) };
};

const channelGrant: Generator = (aim) => {
  const { random } = aim;
  const { slot, id, target } = find(aim, () => true);
  const side = someSide(aim);
  const key = random.chance(0.04) ? new Uint8Array(20) : random.pick(aim.cast).address;
  const cap = random.chance(0.1) ? random.pick([MAX_UNITS, 2 ** 53]) : random.below(300);
  const expiry = random.chance(0.3) ? 0xffffffff : aim.l2Time + random.between(-5, 400);
  const grant = { key, cap: Math.min(cap, MAX_UNITS), expiry };
  const agent = someAgent(aim);
  const slotBytes = encodeRecord("CHANNEL_GRANT", { side, slot, id, cap: BigInt(cap), key, expiry });
  if (target === undefined) return { agent, slot: slotBytes };
  const digest = grantDigest(aim.channels.separator, channelIdFor(aim, target), grant);
  return { agent, lead: leadOf(aim, [signed(signerOf(aim, target, side, 0.05), digest)]), slot: slotBytes };
};

const voucher: Generator = (aim) => {
  const { random } = aim;
  const { slot, id, target } = find(aim, (channel) => isOpen(channel) || (isClosing(channel) && (channel.fields["deadline"] as number) > aim.l2Time));
  const side = someSide(aim);
  const known = Number(target?.fields[side === 0 ? "paidByA" : "paidByB"] ?? 0);
  const paid = totalFrom(aim, known);
  const version = Number(target?.fields["version"] ?? 0) + (random.chance(0.05) ? 1 : 0);
  const sequence = random.chance(0.02) ? random.pick([0n, 2n ** 53n, 2n ** 64n - 1n]) : BigInt(random.between(1, 1000));
  const callsHash = random.chance(0.1) ? ZERO_WORD : random.bytes(32);
  const agent = someAgent(aim);
  const totals = { [side === 0 ? "paidByA" : "paidByB"]: paid };
  const record = encodeRecord("CHANNEL_UPDATE", { kind: random.chance(0.02) ? random.between(2, 255) : UPDATE_KIND.VOUCHER, side, slot, id, ...totals, version, sequence, callsHash });
  if (target === undefined) return { agent, slot: record };
  const payer = side === 0 ? 0 : 1;
  const digest = voucherDigest(aim.channels.separator, channelIdFor(aim, target), { payer, version, sequence: Math.min(Number(sequence), MAX_UNITS), paid, locksHash: ZERO_WORD, callsHash });
  return { agent, lead: leadOf(aim, [signed(signerOf(aim, target, side), digest)]), slot: record };
};

const base: Generator = (aim) => {
  const { random } = aim;
  const { slot, id, target } = find(aim, (channel) => isOpen(channel) || (isClosing(channel) && (channel.fields["deadline"] as number) > aim.l2Time));
  const known = target?.fields ?? {};
  const version = Math.max(0, Number(known["version"] ?? 0) + random.pick([1, 1, 1, 1, 2, 5, 0, -1]));
  const paidByA = totalFrom(aim, Number(known["paidByA"] ?? 0));
  const paidByB = totalFrom(aim, Number(known["paidByB"] ?? 0));
  const agent = someAgent(aim);
  const update = (side: number, total: number): Uint8Array =>
    encodeRecord("CHANNEL_UPDATE", { kind: UPDATE_KIND.BASE, side, slot, id, version, paidByA: total, paidByB, ...(random.chance(0.02) ? { sequence: 1 } : {}) });
  if (target === undefined) return { agent, slot: update(0, paidByA) };
  const channelId = channelIdFor(aim, target);
  // Both sides approve, or one does, or they approve of different things.
  const second = random.chance(0.08) ? paidByA + 1 : paidByA;
  const approval = (side: number, total: number): [Uint8Array, Uint8Array] => {
    const digest = baseDigest(aim.channels.separator, channelId, { version, paidByA: Math.min(total, MAX_UNITS), paidByB });
    return [signed(signerOf(aim, target, side), digest), update(side, total)];
  };
  const first = random.below(2);
  const lead = random.chance(0.9) ? approval(first, paidByA) : [];
  const [signature, slotBytes] = approval(random.chance(0.05) ? first : 1 - first, Math.min(second, MAX_UNITS));
  return { agent, lead: leadOf(aim, [...lead, signature]), slot: slotBytes };
};

const closeCooperatively: Generator = (aim) => {
  const { random } = aim;
  const { slot, id, target } = find(aim, () => true);
  const party = random.pick(PARTIES);
  const paidByA = totalFrom(aim, Number(target?.fields["paidByA"] ?? 0));
  const paidByB = totalFrom(aim, Number(target?.fields["paidByB"] ?? 0));
  const agent = partyOr(aim, target, party);
  const mode = random.chance(0.03) ? random.between(2, 255) : CLOSE_MODE.COOPERATIVE;
  const record = encodeRecord("CHANNEL_CLOSE", { mode, slot, id, paidByA: random.chance(0.02) ? 2n ** 53n : paidByA, paidByB });
  if (target === undefined) return { agent, slot: record };
  const digest = closeDigest(aim.channels.separator, channelIdFor(aim, target), { paidByA, paidByB });
  return { agent, lead: leadOf(aim, [signed(signerOf(aim, target, party === "a" ? 1 : 0), digest)]), slot: record };
};

const closeFinally: Generator = (aim) => {
  const { slot, id } = find(aim, (channel) => isClosing(channel) && (channel.fields["deadline"] as number) <= aim.l2Time);
  return { agent: someAgent(aim), slot: encodeRecord("CHANNEL_CLOSE", { mode: CLOSE_MODE.FINAL, slot, id, paidByB: aim.random.chance(0.04) ? 1 : 0 }) };
};

const channelExport: Generator = (aim) => {
  const { slot, id, target } = find(aim, (channel) => isOpen(channel) && (channel.fields["depositA"] as number) > 0);
  const party = aim.random.pick(PARTIES);
  const agent = partyOr(aim, target, party);
  const record = encodeRecord("CHANNEL_EXPORT", { slot, id });
  if (target === undefined) return { agent, slot: record };
  const digest = exportDigest(aim.channels.separator, channelIdFor(aim, target));
  return { agent, lead: leadOf(aim, [signed(signerOf(aim, target, party === "a" ? 1 : 0, 0.05), digest)]), slot: record };
};

const signatureAlone: Generator = (aim) => ({ agent: someAgent(aim), slot: encodeRecord("SIGNATURE", { signatureR: aim.random.bytes(32), signatureVs: aim.random.bytes(32) }) });

/** Each generator with its weight. */
export const channelGenerators: readonly (readonly [number, Generator])[] = [
  [9, channelOpen], [4, channelFund], [5, channelChallenge], [5, channelGrant], [8, voucher], [6, base], [3, closeCooperatively], [5, closeFinally], [3, channelExport], [1, signatureAlone],
];
