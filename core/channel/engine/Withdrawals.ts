import { exportDigest, withdrawalDigest } from "../digests.ts";
import type { PartialWithdrawal } from "../digests.ts";
import { HOME } from "../ChannelConfig.ts";
import type { Side } from "../ChannelConfig.ts";
import { ChannelError } from "./ChannelCode.ts";
import type { EngineContext } from "./EngineContext.ts";
import { ByteReader } from "./frames/ByteReader.ts";
import { ByteWriter } from "./frames/ByteWriter.ts";
import { ASK, FRAME } from "./frames/FrameKind.ts";
import type { Payee } from "./Payee.ts";
import type { Payer } from "./Payer.ts";

const NONE = new Uint8Array(0);

interface Pending {
  readonly withdrawal: PartialWithdrawal;
  signature: Uint8Array;
  isSigning: boolean;
  sentOn: number;
}

function write(withdrawal: PartialWithdrawal, signature: Uint8Array): Uint8Array {
  const { nonce, side, amount, validUntil } = withdrawal;
  return new ByteWriter().u8(FRAME.WITHDRAW).u32(nonce).u8(side).u64(amount).u40(validUntil).short(signature).done();
}

/** @throws ChannelError channel/frame */
export function readWithdrawal(bytes: Uint8Array): { readonly withdrawal: PartialWithdrawal; readonly signature: Uint8Array } {
  const reader = new ByteReader(bytes, 1);
  const withdrawal = { nonce: reader.u32(), side: reader.u8() as Side, amount: reader.u64(), validUntil: reader.u40() };
  const signature = reader.short();
  reader.end();
  if (withdrawal.side > 1) throw new ChannelError("channel/frame", "There are two sides.");
  return { withdrawal, signature };
}

function isSame(a: PartialWithdrawal, b: PartialWithdrawal): boolean {
  return a.nonce === b.nonce && a.side === b.side && a.amount === b.amount && a.validUntil === b.validUntil;
}

/** Partial withdrawals, each to its own side, one of each side at a time; and the consent to an export. */
export class Withdrawals {
  readonly context: EngineContext;
  readonly payer: Payer;
  readonly payee: Payee;
  mine: Pending | undefined;
  theirs: Pending | undefined;

  constructor(context: EngineContext, payer: Payer, payee: Payee) {
    this.context = context;
    this.payer = payer;
    this.payee = payee;
  }

  request(amount: number, validUntil: number): void {
    const { context, payer } = this;
    if (context.frozen !== undefined) throw new ChannelError("channel/frozen", "The channel ends.");
    if (this.mine !== undefined || this.theirs !== undefined) throw new ChannelError("channel/busy", "Another withdrawal is on its way.");
    if (!Number.isSafeInteger(amount) || amount <= 0 || !Number.isSafeInteger(validUntil) || validUntil <= context.l1Seconds || validUntil >= 2 ** 40) throw new ChannelError("channel/limit", "A withdrawal has an amount and ends in the future.");
    if (amount > payer.capacity) throw new ChannelError("channel/capacity", "More than is ours and free.");
    const withdrawal = { nonce: context.view.withdrawalNonce, side: context.self, amount, validUntil };
    context.logOut(write(withdrawal, NONE));
    this.replayOut(withdrawal);
  }

  /** A withdrawal that we signed or are about to. */
  replayOut(withdrawal: PartialWithdrawal): void {
    const pending = { withdrawal, signature: NONE, isSigning: false, sentOn: 0 };
    if (withdrawal.side === this.context.self) {
      this.mine = pending;
      this.payer.reserved = withdrawal.amount;
    } else {
      this.theirs = pending;
      this.payee.reserved = withdrawal.amount;
    }
  }

  pump(): void {
    const { context } = this;
    if (context.link !== "synced" || context.frozen !== undefined) return;
    if (this.mine !== undefined) this.#say(this.mine);
    if (this.theirs !== undefined) this.#say(this.theirs);
  }

  #say(pending: Pending): void {
    const { context } = this;
    if (pending.isSigning || pending.sentOn === context.connection) return;
    if (pending.signature.length === 0) {
      pending.isSigning = true;
      context.sign(withdrawalDigest(context.separator, context.channelId, pending.withdrawal), "principal", (signature) => {
        pending.isSigning = false;
        pending.signature = signature;
      });
      return;
    }
    pending.sentOn = context.connection;
    context.send(write(pending.withdrawal, pending.signature));
  }

  onWithdraw(bytes: Uint8Array): void {
    const { context, mine } = this;
    const { withdrawal, signature } = readWithdrawal(bytes);
    const digest = withdrawalDigest(context.separator, context.channelId, withdrawal);
    const key = context.principals[context.other];
    if (withdrawal.side === context.self) {
      if (mine === undefined || !isSame(withdrawal, mine.withdrawal)) return;
      if (signature.length === 0) {
        context.alarm("channel/refused", "The peer does not sign the withdrawal.");
        return;
      }
      context.verify(digest, signature, key, () => {
        if (this.mine !== mine) return;
        context.logIn(bytes);
        this.#done(withdrawal, mine.signature, signature.slice());
      });
      return;
    }
    if (this.theirs !== undefined && isSame(withdrawal, this.theirs.withdrawal)) {
      this.theirs.sentOn = 0;
      return;
    }
    const refuse = (): void => context.send(write(withdrawal, NONE));
    const isFine = (): boolean =>
      this.theirs === undefined && this.mine === undefined && withdrawal.nonce === context.view.withdrawalNonce && withdrawal.amount > 0 && withdrawal.amount <= this.payee.capacity && withdrawal.validUntil > context.l1Seconds;
    if (!isFine()) {
      refuse();
      return;
    }
    context.verify(digest, signature, key, () => {
      if (!isFine()) {
        refuse();
        return;
      }
      context.logIn(bytes);
      this.applyTheirs(withdrawal, signature.slice());
    });
  }

  /** The peer's withdrawal, which we sign too. */
  applyTheirs(withdrawal: PartialWithdrawal, signature: Uint8Array): void {
    const { context } = this;
    this.replayOut(withdrawal);
    const pending = this.theirs;
    if (context.isReplaying || pending === undefined) return;
    pending.isSigning = true;
    context.sign(withdrawalDigest(context.separator, context.channelId, withdrawal), "principal", (own) => {
      pending.isSigning = false;
      pending.signature = own;
      this.#done(withdrawal, own, signature);
    });
  }

  #done(withdrawal: PartialWithdrawal, own: Uint8Array, other: Uint8Array): void {
    this.context.event({ name: "withdrawal", withdrawal, signatures: this.context.self === 0 ? [own, other] : [other, own] });
  }

  /** The chain went on or the time is over: what was reserved is free, or gone from the net. */
  expire(): void {
    const { context } = this;
    const isOver = (pending: Pending | undefined): boolean =>
      pending !== undefined && context.hasView && (context.view.withdrawalNonce > pending.withdrawal.nonce || context.l1Seconds > pending.withdrawal.validUntil + context.options.maxSkewSeconds);
    if (isOver(this.mine)) {
      this.mine = undefined;
      this.payer.reserved = 0;
    }
    if (isOver(this.theirs)) {
      this.theirs = undefined;
      this.payee.reserved = 0;
    }
  }

  askExport(): void {
    this.#requireCore();
    this.context.send(new ByteWriter().u8(FRAME.ASK).u8(ASK.EXPORT).done());
  }

  approveExport(): void {
    this.#requireCore();
    const { context } = this;
    context.sign(exportDigest(context.separator, context.channelId), "principal", (signature) => {
      if (context.link === "synced") context.send(new ByteWriter().u8(FRAME.EXPORT).short(signature).done());
    });
  }

  #requireCore(): void {
    const { context } = this;
    if (context.options.config.home !== HOME.CORE) throw new ChannelError("channel/use", "Only a channel in Layer Core moves to L1.");
    if (context.link !== "synced") throw new ChannelError("channel/use", "The peer is not connected.");
  }

  onExport(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const signature = reader.short().slice();
    reader.end();
    const { context } = this;
    if (context.options.config.home !== HOME.CORE) throw new ChannelError("channel/frame", "The channel is on L1.");
    context.verify(exportDigest(context.separator, context.channelId), signature, context.principals[context.other], () => context.event({ name: "export", signature }));
  }
}
