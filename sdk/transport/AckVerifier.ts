import { recordsHash } from "../../core/codec/bundle.ts";
import { bundleHash, headDigest, nextHead, rootDigest } from "../../core/codec/heads.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { recoverSigner } from "../../core/codec/signature.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { computeRoot } from "../../core/state/tree/verifyProof.ts";
import { sdkError } from "../SdkError.ts";
import type { StreamAck } from "./frames.ts";

const PROOF_LEVEL_BYTES = 96;

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * Checks answers: that the bundle is under the head, and that the sequencer has signed head and root. One signature covers many
 * bundles and is checked once.
 */
export class AckVerifier {
  readonly #separator: Uint8Array;
  readonly #sequencer: string;
  readonly #lastGood = { durable: "", rooted: "" };

  /** @param sequencer the address that must have signed */
  constructor(separator: Uint8Array, sequencer: string) {
    this.#separator = separator;
    this.#sequencer = sequencer.toLowerCase();
  }

  /** @throws SdkError `SDK_BAD_SIGNATURE`, `SDK_BAD_PROOF` */
  check(ack: StreamAck, bundle: Uint8Array): void {
    if (ack.level === "rooted") {
      const digest = rootDigest(this.#separator, ack.position, ack.batchCount, fromHex(ack.stateRoot, 32));
      this.#checkSignature("rooted", digest, ack.signature, `the root after position ${ack.position}`);
    } else if (ack.level === "durable") {
      const { previous, head, headPosition, index, path, signature } = ack;
      const hash = bundleHash(bundle, recordsHash(bundle, SLOT_BYTES, bundle.length / SLOT_BYTES - 1));
      const groupRoot = this.#rootOf(hash, index, path);
      if (groupRoot === undefined || !isSame(nextHead(previous, groupRoot, headPosition), head)) {
        throw sdkError("SDK_BAD_PROOF", `the bundle at position ${ack.position} is not under the head at ${headPosition}`, { position: ack.position });
      }
      this.#checkSignature("durable", headDigest(this.#separator, headPosition, head), signature, `the head at position ${headPosition}`);
    }
  }

  #rootOf(hash: Uint8Array, index: number, path: Uint8Array): Uint8Array | undefined {
    try {
      return computeRoot(hash, index, path.length / PROOF_LEVEL_BYTES, path);
    } catch (error) {
      // A path of a length that cannot be, or an index outside of it.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  #checkSignature(level: "durable" | "rooted", digest: Uint8Array, signature: Uint8Array, what: string): void {
    const key = toHex(digest) + toHex(signature);
    if (key === this.#lastGood[level]) return;
    const signer = recoverSigner(digest, signature.subarray(0, 32), signature.subarray(32));
    const address = signer === null ? "nobody" : toHex(signer);
    if (address !== this.#sequencer) throw sdkError("SDK_BAD_SIGNATURE", `${what} is signed by ${address}, not by ${this.#sequencer}`, { signer: address });
    this.#lastGood[level] = key;
  }
}
