import { fromHex, toHex } from "../../codec/hex.ts";
import { ChannelError } from "./ChannelCode.ts";
import type { ChannelEngine } from "./ChannelEngine.ts";
import { readAckFrame } from "./frames/ackFrame.ts";
import { readCallsFrame } from "./frames/callsFrame.ts";
import { RECORD } from "./RecordKind.ts";

/** Of a checkpoint's layout. */
const FORMAT = 1;

/** JSON of numbers, strings, lists and byte strings (as {"hex": …}); what is not there is null. */
function pack(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (item instanceof Uint8Array ? { hex: toHex(item) } : item));
}

function unpack(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => (item === null ? undefined : typeof item === "object" && "hex" in item ? fromHex(item.hex as string) : item)) as unknown;
}

/** Everything that `replay` of the whole log would come to. */
function stateOf(engine: ChannelEngine) {
  const { context, payer, payee, agreement, withdrawals, resync } = engine;
  const { held } = payee;
  return {
    format: FORMAT, channelId: context.channelId, self: context.self, position: context.position, version: context.version, base: context.base, sessions: context.sessions.map((session) => session ?? null), frozen: context.frozen ?? null, own: resync.own, peer: resync.peer,
    payer: {
      sequence: payer.sequence, hash: payer.hash, paid: payer.paid, owed: payer.owed, locks: payer.locks, acked: payer.acked, ackedHash: payer.ackedHash, results: payer.results, resultsHash: payer.resultsHash, lastAck: payer.lastAck ?? null, lastAckGrant: payer.lastAckGrant ?? null,
      open: [...payer.open.list()].filter(({ sequence }) => sequence <= payer.sequence).map(({ sequence, price }) => [sequence, price]),
      inFlight: payer.inFlight.map((frame) => ({ bytes: frame.bytes, end: frame.end, hash: frame.hash })),
    },
    payee: {
      state: payee.state, results: payee.results, resultsHash: payee.resultsHash, acked: payee.acked, unanswered: payee.unanswered.map(({ bytes }) => bytes),
      open: [...payee.open.list()].map(({ sequence, price }) => [sequence, price]), acks: payee.acks.map(({ ack, failedUnits }) => ({ bytes: ack.bytes, failedUnits })), held: held === undefined ? null : { bytes: held.calls.bytes, signer: held.signer, grant: held.grant ?? null, locks: held.locks },
    },
    agreement: { proposal: agreement.proposal ?? null, closing: agreement.closes.closing ?? null, isClosed: agreement.closes.isClosed },
    preimages: [...context.preimages.values()],
    withdrawals: [withdrawals.mine?.withdrawal ?? null, withdrawals.theirs?.withdrawal ?? null],
  };
}

type State = ReturnType<typeof stateOf>;

/** The state as one record. What is queued, or answered without an Ack, is in no log and not in here. */
export function writeCheckpoint(engine: ChannelEngine): Uint8Array {
  if (engine.context.hasEffects) throw new ChannelError("channel/use", "Drain the engine before a checkpoint.");
  const text = new TextEncoder().encode(pack(stateOf(engine)));
  const record = new Uint8Array(1 + text.length);
  record[0] = RECORD.CHECKPOINT;
  record.set(text, 1);
  return record;
}

/** Puts a fresh engine into the state of a checkpoint. @throws ChannelError channel/log for another channel's, or not as the first record */
export function readCheckpoint(engine: ChannelEngine, record: Uint8Array): void {
  const { context, payer, payee, agreement, withdrawals, resync } = engine;
  const state = unpack(new TextDecoder().decode(record.subarray(1))) as State;
  if (state.format !== FORMAT || toHex(state.channelId) !== toHex(context.channelId) || state.self !== context.self || context.position !== 1) throw new ChannelError("channel/log", "A checkpoint of another channel or format, or in the middle of a log.");
  context.position = state.position;
  context.version = state.version;
  // JSON has no undefined in lists.
  const { base } = state;
  context.base = base === undefined ? undefined : { ...base, grants: [base.grants[0] ?? undefined, base.grants[1] ?? undefined] };
  context.sessions[0] = state.sessions[0] ?? undefined;
  context.sessions[1] = state.sessions[1] ?? undefined;
  context.peerSession = context.sessions[context.other];
  if (state.frozen !== undefined && state.frozen !== null) context.freeze(state.frozen);
  resync.own = state.own;
  resync.peer = state.peer;

  for (const [sequence, price] of state.payer.open) payer.open.open(sequence, price);
  payer.restore(state.payer);
  for (const [sequence, price] of state.payee.open) payee.open.open(sequence, price);
  payee.state = state.payee.state;
  payee.tentative = payee.state;
  payee.results = state.payee.results;
  payee.resultsHash = state.payee.resultsHash;
  payee.acked = state.payee.acked;
  for (const bytes of state.payee.unanswered) payee.restoreUnanswered(readCallsFrame(bytes));
  for (const { bytes, failedUnits } of state.payee.acks) payee.restoreAck(readAckFrame(bytes), failedUnits);
  const { held } = state.payee;
  payee.held = held === undefined || held === null ? undefined : { calls: readCallsFrame(held.bytes), signer: held.signer, grant: held.grant ?? undefined, locks: held.locks };

  for (const preimage of state.preimages) context.remember(preimage);
  const { proposal, closing, isClosed } = state.agreement;
  if (proposal !== undefined && proposal !== null) agreement.restoreProposal(proposal);
  if (closing !== undefined && closing !== null) agreement.closes.closing = closing;
  agreement.closes.isClosed = isClosed;
  for (const withdrawal of state.withdrawals) if (withdrawal !== undefined && withdrawal !== null) withdrawals.replayOut(withdrawal);
}
