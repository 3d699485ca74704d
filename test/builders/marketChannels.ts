import { baseDigest, channelIdOf, closeDigest, exportDigest, grantDigest, HOME, voucherDigest } from "../../core/channel/index.ts";
import { encodeRecord } from "../../core/codec/index.ts";
import { CLOSE_MODE, UPDATE_KIND } from "../../core/generated/protocol.ts";
import { signCompact } from "../differential/scenario/Actors.ts";
import type { Actor } from "../differential/scenario/Actors.ts";
import type { TestRollup } from "./TestRollup.ts";

type Labelled = readonly [label: string, slot: Uint8Array];
type Pair = readonly [a: Actor, b: Actor];

const WINDOW = 500;
const ZERO_WORD = new Uint8Array(32);

/** Channel `slot` of the market, which has id `slot + 1`. */
function idOf([a, b]: Pair, slot: number): Uint8Array {
  return channelIdOf({ home: HOME.CORE, partyA: a.address, partyB: b.address, asset: new Uint8Array(20), unit: 0, windowSeconds: WINDOW, flags: 0, salt: slot + 1 });
}

function signature(signer: Actor, digest: Uint8Array): Uint8Array {
  const bytes = signCompact(signer, digest);
  return encodeRecord("SIGNATURE", { signatureR: bytes.subarray(0, 32), signatureVs: bytes.subarray(32) });
}

function voucher(rollup: TestRollup, pair: Pair, slot: number, paid: number): readonly [Uint8Array, Uint8Array] {
  const callsHash = new Uint8Array(32).fill(6);
  const digest = voucherDigest(rollup.channels.separator, idOf(pair, slot), { payer: 0, version: 0, sequence: 3, paid, locksHash: ZERO_WORD, callsHash });
  return [signature(pair[0], digest), encodeRecord("CHANNEL_UPDATE", { kind: UPDATE_KIND.VOUCHER, side: 0, slot, id: slot + 1, paidByA: paid, sequence: 3, callsHash })];
}

/** What agent 3 sends before the great batch: channels with agent 4, of which the second is being closed with 700 of 900 paid. */
export function setUpChannels(rollup: TestRollup, pair: Pair): readonly Labelled[] {
  const open = (amount: number): Labelled => ["", encodeRecord("CHANNEL_OPEN", { partner: 4, amount, window: WINDOW })];
  const [signed, update] = voucher(rollup, pair, 1, 700);
  return [open(800), open(900), open(1_000), open(1_100), ["", signed], ["", update], ["", encodeRecord("CHANNEL_CHALLENGE", { slot: 1, id: 2 })]];
}

/** Agent 3's day with its channels: every operation that there is. */
export function playChannels(rollup: TestRollup, pair: Pair): readonly Labelled[] {
  const { separator } = rollup.channels;
  const key = pair[1].address;
  const grant = { key, cap: 500, expiry: 4_000_000_000 };
  const base = { version: 1, paidByA: 20, paidByB: 10 };
  const close = { paidByA: 300, paidByB: 0 };
  const [signed, update] = voucher(rollup, pair, 0, 250);
  const approve = (side: number): Uint8Array => encodeRecord("CHANNEL_UPDATE", { kind: UPDATE_KIND.BASE, side, slot: 0, id: 1, ...base });
  const approved = (side: 0 | 1): Uint8Array => signature(pair[side], baseDigest(separator, idOf(pair, 0), base));
  return [
    ["CHANNEL_OPEN", encodeRecord("CHANNEL_OPEN", { partner: 2, amount: 600, window: WINDOW })],
    ["CHANNEL_FUND", encodeRecord("CHANNEL_FUND", { side: 0, slot: 0, id: 1, amount: 50 })],
    ["", signature(pair[0], grantDigest(separator, idOf(pair, 0), grant))],
    ["CHANNEL_GRANT", encodeRecord("CHANNEL_GRANT", { side: 0, slot: 0, id: 1, ...grant })],
    ["SIGNATURE", signed],
    ["CHANNEL_UPDATE", update],
    ["", approved(0)],
    ["CHANNEL_UPDATE approved", approve(0)],
    ["", approved(1)],
    ["CHANNEL_UPDATE agreed", approve(1)],
    ["CHANNEL_CHALLENGE", encodeRecord("CHANNEL_CHALLENGE", { slot: 0, id: 1 })],
    ["CHANNEL_CLOSE final", encodeRecord("CHANNEL_CLOSE", { mode: CLOSE_MODE.FINAL, slot: 1, id: 2 })],
    ["", signature(pair[1], closeDigest(separator, idOf(pair, 2), close))],
    ["CHANNEL_CLOSE", encodeRecord("CHANNEL_CLOSE", { mode: CLOSE_MODE.COOPERATIVE, slot: 2, id: 3, ...close })],
    ["", signature(pair[1], exportDigest(separator, idOf(pair, 3)))],
    ["CHANNEL_EXPORT", encodeRecord("CHANNEL_EXPORT", { slot: 3, id: 4 })],
    ["", encodeRecord("TRANSFER", { to: 1, amount: 6 })],
  ];
}
