import { typedDigest } from "../../core/codec/bundle.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { setU64 } from "../../core/codec/integers.ts";
import { recoverSigner } from "../../core/codec/signature.ts";
import { EIP712 } from "../../core/generated/protocol.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { sdkError } from "../SdkError.ts";
import type { StreamAck } from "./frames.ts";

const rootType = keccak256(new TextEncoder().encode(EIP712.Root));

/** What a signature of a root covers: keccak256(type ‖ position ‖ batchCount ‖ stateRoot). */
function rootDigest(separator: Uint8Array, position: number, batchCount: number, stateRoot: Uint8Array): Uint8Array {
  const words = new Uint8Array(128);
  const view = new DataView(words.buffer);
  words.set(rootType, 0);
  setU64(view, 56, position);
  setU64(view, 88, batchCount);
  words.set(stateRoot, 96);
  return typedDigest(separator, keccak256(words));
}

/** Checks that acknowledgements are signed by the sequencer. One signature covers many bundles and is checked once. */
export class AckVerifier {
  readonly #separator: Uint8Array;
  readonly #sequencer: string;
  #lastGood = "";

  /** @param sequencer the address that must have signed */
  constructor(separator: Uint8Array, sequencer: string) {
    this.#separator = separator;
    this.#sequencer = sequencer.toLowerCase();
  }

  /** @throws SdkError `SDK_BAD_SIGNATURE` */
  check(ack: StreamAck): void {
    if (ack.level === "rooted") {
      const digest = rootDigest(this.#separator, ack.position, ack.batchCount, fromHex(ack.stateRoot, 32));
      this.#checkSignature(digest, ack.signature, `the root after position ${ack.position}`);
    }
  }

  #checkSignature(digest: Uint8Array, signature: Uint8Array, what: string): void {
    const key = toHex(digest) + toHex(signature);
    if (key === this.#lastGood) return;
    const signer = recoverSigner(digest, signature.subarray(0, 32), signature.subarray(32));
    const address = signer === null ? "nobody" : toHex(signer);
    if (address !== this.#sequencer) throw sdkError("SDK_BAD_SIGNATURE", `${what} is signed by ${address}, not by ${this.#sequencer}`, { signer: address });
    this.#lastGood = key;
  }
}
