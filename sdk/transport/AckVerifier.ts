import { recordsHash } from "../../core/codec/bundle.ts";
import { bundleHash, headDigest, nextHead, rootDigest } from "../../core/codec/heads.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { recoverSigner } from "../../core/codec/signature.ts";
import type { Recover } from "../../core/codec/signature.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { computeRoot } from "../../core/state/tree/verifyProof.ts";
import type { DurableAck, RootedAck } from "../bundles/BundleTransport.ts";
import { sdkError } from "../SdkError.ts";
import type { SignedDurable, SignedRooted } from "./frames.ts";

const PROOF_LEVEL_BYTES = 96;
/** A group of bundles is far smaller than 4^16. */
const MAX_LEVELS = 16;

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * Checks answers: that the bundle is under the head, and that the sequencer has signed head and root. One signature covers many
 * bundles and is checked once. What became of each record is not under the signature: the receipts in a signed root prove that.
 */
export class AckVerifier {
  readonly #separator: Uint8Array;
  readonly #signers: readonly string[];
  readonly #recover: Recover;
  readonly #lastGood = { durable: "", rooted: "" };
  #newestHead = { slot: 0, position: -1, head: "" };

  /**
   * @param signers the addresses of which one must have signed: the sequencer's, or those of the chain's operators
   * @param recover default: plain JavaScript, about a millisecond each
   */
  constructor(separator: Uint8Array, signers: readonly string[], recover: Recover = recoverSigner) {
    this.#separator = separator;
    this.#recover = recover;
    this.#signers = signers.map((address) => address.toLowerCase());
  }

  /**
   * The answer, when it is of this bundle and signed.
   * @throws SdkError `SDK_BAD_SIGNATURE`, `SDK_BAD_PROOF`, `SDK_RESPONSE` for results that are not one a record
   */
  durable(ack: SignedDurable, bundle: Uint8Array): DurableAck {
    const { previous, head, headSlot, headPosition, index, path, signature, position, firstReceipt, results } = ack;
    const count = bundle.length / SLOT_BYTES - 1;
    if (results.length !== count) throw sdkError("SDK_RESPONSE", `${results.length} results for ${count} records`);
    const hash = bundleHash(bundle, recordsHash(bundle, SLOT_BYTES, count));
    const groupRoot = this.#rootOf(hash, index, path);
    if (groupRoot === undefined || position + count > headPosition || !isSame(nextHead(previous, groupRoot, headPosition), head)) {
      throw sdkError("SDK_BAD_PROOF", `the bundle at position ${position} is not under the head at ${headPosition}`, { position });
    }
    this.#checkSignature("durable", headDigest(this.#separator, headSlot, headPosition, head), signature, `the head at position ${headPosition}`);
    this.#checkOneHistory(headSlot, headPosition, toHex(head));
    return { level: "durable", position, firstReceipt, results };
  }

  /**
   * The signed root, when it covers a bundle that is known to be durable.
   * @param end position after the bundle's last record
   * @throws SdkError `SDK_BAD_SIGNATURE`, `SDK_BAD_PROOF` for a root from before the bundle
   */
  rooted(ack: SignedRooted, end: number): RootedAck {
    const { position, batchCount, stateRoot, signature } = ack;
    if (position < end) throw sdkError("SDK_BAD_PROOF", `the root after position ${position} does not cover the bundle, which ends at ${end}`, { position });
    this.#checkSignature("rooted", rootDigest(this.#separator, position, batchCount, fromHex(stateRoot, 32)), signature, `the root after position ${position}`);
    return { level: "rooted", position, batchCount, stateRoot };
  }

  #rootOf(hash: Uint8Array, index: number, path: Uint8Array): Uint8Array | undefined {
    if (path.length > MAX_LEVELS * PROOF_LEVEL_BYTES) return undefined;
    try {
      return computeRoot(hash, index, path.length / PROOF_LEVEL_BYTES, path);
    } catch (error) {
      // A path of a length that cannot be, or an index outside of it.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Two heads signed for one position are two histories: one of them will not be kept. */
  #checkOneHistory(slot: number, position: number, head: string): void {
    const newest = this.#newestHead;
    if (position === newest.position && head !== newest.head) throw sdkError("SDK_BAD_PROOF", `two heads are signed for position ${position}: ${newest.head} in slot ${newest.slot} and ${head} in slot ${slot}`, { position });
    if (position > newest.position) this.#newestHead = { slot, position, head };
  }

  #checkSignature(level: "durable" | "rooted", digest: Uint8Array, signature: Uint8Array, what: string): void {
    const key = toHex(digest) + toHex(signature);
    if (key === this.#lastGood[level]) return;
    const signer = this.#recover(digest, signature.subarray(0, 32), signature.subarray(32));
    const address = signer === null ? "nobody" : toHex(signer);
    if (!this.#signers.includes(address)) throw sdkError("SDK_BAD_SIGNATURE", `${what} is signed by ${address}, not by ${this.#signers.join(" or ")}`, { signer: address });
    this.#lastGood[level] = key;
  }
}
