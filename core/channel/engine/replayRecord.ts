import { findLock } from "./OpenLock.ts";
import type { ChannelEngine } from "./ChannelEngine.ts";
import { ChannelError } from "./ChannelCode.ts";
import { ByteReader } from "./frames/ByteReader.ts";
import { readAckFrame } from "./frames/ackFrame.ts";
import { readCallsFrame } from "./frames/callsFrame.ts";
import { FRAME } from "./frames/FrameKind.ts";
import { readGrant } from "./frames/grantFrame.ts";
import { readClose } from "./CloseAgreement.ts";
import { RECORD } from "./RecordKind.ts";
import { readProof } from "./Resync.ts";
import { readWithdrawal } from "./Withdrawals.ts";
import { keccak256 } from "../../hash/index.ts";

const SIGNATURE_BYTES = 64;

/** Brings the engine to the state after a record. @throws ChannelError where the record does not fit */
export function replayRecord(engine: ChannelEngine, record: Uint8Array): void {
  const { context, payee, payer, resync, agreement } = engine;
  switch (record[0]) {
    case RECORD.OUT:
      return replayOut(engine, record);
    case RECORD.IN:
      return replayIn(engine, record.slice(1));
    case RECORD.BOOT:
    case RECORD.PEER_BOOT: {
      const reader = new ByteReader(record, 1);
      const start = { epoch: reader.u64(), boot: reader.raw(16).slice() };
      reader.end();
      if (record[0] === RECORD.BOOT) resync.own = start;
      else resync.peer = start;
      return;
    }
    case RECORD.OWN_GRANT:
      return engine.applyOwnGrant(record.slice(1));
    case RECORD.RELEASED: {
      const lock = findLock(payee.state.locks, record.slice(1));
      if (lock !== undefined) payee.markLock({ ...lock, isReleased: true });
      return;
    }
    case RECORD.CLAIMED:
    case RECORD.REGISTERED: {
      const preimage = record.slice(1);
      context.remember(preimage);
      const isRegistered = record[0] === RECORD.REGISTERED;
      const theirs = findLock(payee.state.locks, keccak256(preimage));
      if (theirs !== undefined) payee.markLock({ ...theirs, preimage, isRegistered: isRegistered || theirs.isRegistered });
      const mine = isRegistered ? findLock(payer.locks, keccak256(preimage)) : undefined;
      if (mine === undefined) return;
      payer.markLock({ ...mine, isRegistered: true });
      payer.learn(preimage);
      return;
    }
    case RECORD.FROZEN:
      return context.freeze(record[1] === 0 ? "closing" : "closed");
    case RECORD.BASE_SIGNATURE: {
      const reader = new ByteReader(record, 1);
      const version = reader.u32();
      agreement.replaySignature(version, reader.raw(20).slice(), reader.raw(64).slice());
      return reader.end();
    }
    case RECORD.CLOSE_SIGNATURE: {
      const reader = new ByteReader(record, 1);
      const key = reader.raw(20).slice();
      const signature = reader.short().slice();
      reader.end();
      if (agreement.closes.closing === undefined) throw new ChannelError("channel/log", "The signature of no close.");
      agreement.closes.closing.signatures[context.self] = signature;
      agreement.closes.closing.signers[context.self] = key;
      return;
    }
    default:
      throw new ChannelError("channel/log", `There is no record ${record[0]}.`);
  }
}

function replayOut(engine: ChannelEngine, record: Uint8Array): void {
  const { payer, payee, agreement, withdrawals } = engine;
  const roomy = new Uint8Array(record.length + SIGNATURE_BYTES);
  roomy.set(record);
  switch (record[1]) {
    case FRAME.CALLS:
      return payer.replayCalls(readCallsFrame(roomy.subarray(1)), roomy);
    case FRAME.ACK:
      return payee.applyAck(roomy);
    case FRAME.REBASE: {
      const reader = new ByteReader(record, 4);
      return agreement.replayProposal({ version: reader.u32(), paidByA: reader.u64(), paidByB: reader.u64() });
    }
    case FRAME.CLOSE:
      return agreement.closes.replay(readClose(record.slice(1)).close);
    case FRAME.WITHDRAW:
      return withdrawals.replayOut(readWithdrawal(record.slice(1)).withdrawal);
    default:
      throw new ChannelError("channel/log", `There is no logged frame ${record[1]}.`);
  }
}

function replayIn(engine: ChannelEngine, frame: Uint8Array): void {
  const { context, payer, payee, agreement, withdrawals, resync } = engine;
  const session = context.sessions[context.other];
  const keyOf = (signer: number): Uint8Array => (signer === 1 && session !== undefined ? session.grant.key : context.principals[context.other]);
  switch (frame[0]) {
    case FRAME.CALLS:
      return payee.replayCalls(frame, keyOf(frame[2]), frame[2] === 1 ? session : undefined);
    case FRAME.ACK:
      return payer.applyAck(readAckFrame(frame), frame[2] === 1 ? session : undefined);
    case FRAME.GRANT:
      context.sessions[context.other] = { side: context.other, ...readGrant(frame) };
      context.peerSession = context.sessions[context.other];
      return;
    case FRAME.REBASE: {
      const reader = new ByteReader(frame, 3);
      return agreement.applyRebase(frame, { version: reader.u32(), paidByA: reader.u64(), paidByB: reader.u64() }, keyOf(frame[2]), frame.slice(-SIGNATURE_BYTES));
    }
    case FRAME.REBASED:
      return agreement.applyRebased(frame, keyOf(frame[2]), frame.slice(-SIGNATURE_BYTES));
    case FRAME.CLOSE: {
      const { close, signer, signature } = readClose(frame);
      return agreement.closes.apply(frame, close, keyOf(signer), signature);
    }
    case FRAME.WITHDRAW: {
      const { withdrawal, signature } = readWithdrawal(frame);
      if (withdrawal.side !== context.self) withdrawals.applyTheirs(withdrawal, signature);
      return;
    }
    case FRAME.RELEASE:
      return engine.applyRelease(frame);
    case FRAME.PROOF:
      return resync.applyProof(frame, readProof(frame, context.self).proven);
    default:
      throw new ChannelError("channel/log", `There is no logged frame ${frame[0]} of the peer.`);
  }
}
