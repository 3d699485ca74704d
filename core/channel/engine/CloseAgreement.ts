import { closeDigest } from "../digests.ts";
import type { Close } from "../digests.ts";
import { ChannelError } from "./ChannelCode.ts";
import type { ChannelCode } from "./ChannelCode.ts";
import type { EngineContext } from "./EngineContext.ts";
import { ByteReader } from "./frames/ByteReader.ts";
import { ByteWriter } from "./frames/ByteWriter.ts";
import { FRAME } from "./frames/FrameKind.ts";
import type { Payer } from "./Payer.ts";
import { RECORD } from "./RecordKind.ts";
import { sameBytes } from "./runningHash.ts";
import type { Signed } from "./Signed.ts";

const NONE = new Uint8Array(0);

/** What the close has to fit. */
interface Books {
  /** Units that each side has paid, credits taken out. */
  totals(): readonly [number, number];
  /** Why these cannot be signed. */
  objection(): ChannelCode | undefined;
}

/** The last state, which both sign and which ends the channel. Side 0 signs first. */
export class CloseAgreement {
  readonly context: EngineContext;
  readonly payer: Payer;
  readonly books: Books;
  closing: Signed<Close> | undefined;
  /** The other signed the close too. */
  isClosed = false;
  /** The connection on which our signature was said last. */
  sentOn = 0;
  #isSigning = false;

  constructor(context: EngineContext, payer: Payer, books: Books) {
    this.context = context;
    this.payer = payer;
    this.books = books;
  }

  /** Side 0: the totals are agreed; from here on only the close is left. */
  sign(close: Close): void {
    const { context } = this;
    context.logOut(new ByteWriter().u8(FRAME.CLOSE).u64(close.paidByA).u64(close.paidByB).u8(0).u16(0).done());
    this.replay(close);
    this.send();
  }

  /** From here on only the close is left. */
  replay(close: Close): void {
    this.closing ??= { value: close, signatures: [NONE, NONE], signers: [NONE, NONE] };
    this.context.freeze("close-signed");
  }

  /** Says our signature, made first if that was not done or by another key. */
  send(): void {
    const { context, closing } = this;
    if (closing === undefined || this.sentOn === context.connection || this.#isSigning) return;
    const { self } = context;
    const { key } = context.signerOf(self);
    if (!sameBytes(closing.signers[self], key)) {
      this.#isSigning = true;
      context.signAny(closeDigest(context.separator, context.channelId, closing.value), (signature) => {
        this.#isSigning = false;
        closing.signatures[self] = signature;
        closing.signers[self] = key;
        context.log(new ByteWriter().u8(RECORD.CLOSE_SIGNATURE).raw(key).short(signature).done());
        if (context.link === "synced") this.send();
        this.#closed();
      });
      return;
    }
    this.sentOn = context.connection;
    const signer = sameBytes(closing.signers[self], context.principals[self]) ? 0 : 1;
    context.send(new ByteWriter().u8(FRAME.CLOSE).u64(closing.value.paidByA).u64(closing.value.paidByB).u8(signer).short(closing.signatures[self]).done());
  }

  onClose(bytes: Uint8Array): void {
    const { context, payer } = this;
    const { close, signer, signature } = readClose(bytes);
    const [paidA, paidB] = this.books.totals();
    if (close.paidByA !== paidA || close.paidByB !== paidB) throw new ChannelError("channel/refused", "Those totals are not ours.");
    if (this.isClosed) {
      if (context.self === 1) this.sentOn = 0;
      return;
    }
    const isAgreed = context.hold === "all" || context.frozen === "close-signed";
    if (!isAgreed || payer.open.count > payer.queue.calls || !payer.isQuiet || this.books.objection() === "channel/locks-open") throw new ChannelError("channel/refused", "There is more to do before the close.");
    if (context.self === 0 && this.closing === undefined) throw new ChannelError("channel/frame", "Side 0 signs first.");
    if (signer === 1) context.checkPeerGrant(context.self === 0 ? paidB : paidA);
    const key = signer === 0 ? context.principals[context.other] : context.peerKey(1);
    context.verify(closeDigest(context.separator, context.channelId, close), signature, key, () => this.apply(bytes, close, key, signature));
  }

  apply(bytes: Uint8Array, close: Close, key: Uint8Array, signature: Uint8Array): void {
    const { context } = this;
    if (this.isClosed) return;
    context.logIn(bytes);
    this.replay(close);
    if (this.closing === undefined) return;
    this.closing.signatures[context.other] = signature;
    this.closing.signers[context.other] = key;
    this.isClosed = true;
    this.#closed();
  }

  #closed(): void {
    const { closing, context } = this;
    if (closing === undefined || closing.signatures.some(({ length }) => length === 0)) return;
    context.event({ name: "closed", close: closing.value, signatures: [...closing.signatures] });
  }
}

/** @throws ChannelError channel/frame */
export function readClose(bytes: Uint8Array): { readonly close: Close; readonly signer: number; readonly signature: Uint8Array } {
  const reader = new ByteReader(bytes, 1);
  const close = { paidByA: reader.u64(), paidByB: reader.u64() };
  const signer = reader.u8();
  const signature = reader.short();
  reader.end();
  return { close, signer, signature };
}
