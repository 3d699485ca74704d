import type { EngineContext } from "./EngineContext.ts";
import type { SignedGrant } from "./Evidence.ts";
import { SIGNATURE_BYTES } from "./frames/FrameKind.ts";

/** A frame of ours that is logged and waits for its signature, for the connection, or for the peer. Its last 64 bytes are the signature. */
export class OutFrame {
  readonly bytes: Uint8Array;
  /** Sequence or result count that it ends at. */
  readonly end: number;
  /** Running hash there. */
  readonly hash: Uint8Array;
  #isSigned = false;
  isSigning = false;
  /** The session under which it was signed; undefined: the principal. */
  #session: SignedGrant | undefined;
  /** The connection that it was last sent on; 0: none. */
  sentOn = 0;

  constructor(bytes: Uint8Array, end: number, hash: Uint8Array) {
    this.bytes = bytes;
    this.end = end;
    this.hash = hash;
  }

  get isSigned(): boolean {
    return this.#isSigned;
  }

  /** Whether it may leave: signed, and by the key of now, since the peer checks against the newest that it knows. */
  isReady(context: EngineContext): boolean {
    return this.#isSigned && this.#session === context.sessions[context.self];
  }

  /** Has `digest` signed by the key of now, and says so in the signer byte. A key that changes meanwhile signs again. */
  sign(context: EngineContext, digest: Uint8Array, then: () => void): void {
    this.isSigning = true;
    const session = context.sessions[context.self];
    context.signAny(digest, (signature) => {
      if (context.sessions[context.self] !== session) {
        this.sign(context, digest, then);
        return;
      }
      this.isSigning = false;
      this.#isSigned = true;
      this.#session = session;
      this.bytes[2] = session === undefined ? 0 : 1;
      this.bytes.set(signature, this.bytes.length - SIGNATURE_BYTES);
      then();
    });
  }
}
