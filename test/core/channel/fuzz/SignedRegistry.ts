import { ackDigest, baseDigest, closeDigest, voucherDigest } from "../../../../core/channel/index.ts";
import { toHex } from "../../../../core/codec/index.ts";
import { readClose } from "../../../../core/channel/engine/CloseAgreement.ts";
import { readAckFrame } from "../../../../core/channel/engine/frames/ackFrame.ts";
import { ByteReader } from "../../../../core/channel/engine/frames/ByteReader.ts";
import { readCallsFrame } from "../../../../core/channel/engine/frames/callsFrame.ts";
import { FRAME } from "../../../../core/channel/engine/frames/FrameKind.ts";
import { RECORD } from "../../../../core/channel/engine/RecordKind.ts";

/** What one side ever signed, over all its lives: two different states at one place are the end. */
export class SignedRegistry {
  readonly #separator: Uint8Array;
  readonly #channelId: Uint8Array;
  readonly #self: 0 | 1;
  /** Digest to the place that it is a state of. */
  readonly #places = new Map<string, string>();
  /** Place to the digest that was signed there. */
  readonly #signed = new Map<string, string>();

  constructor(separator: Uint8Array, channelId: Uint8Array, self: 0 | 1) {
    this.#separator = separator;
    this.#channelId = channelId;
    this.#self = self;
  }

  /** Learns from a log record what may be signed. */
  onLog(record: Uint8Array): void {
    const kind = record[1];
    const frame = new Uint8Array(record.length + 63);
    frame.set(record.subarray(1));
    const [domain, id] = [this.#separator, this.#channelId];
    const other = this.#self === 0 ? 1 : 0;
    if (record[0] === RECORD.OUT && kind === FRAME.CALLS) {
      const { version, sequence, paid, locksHash, hash } = readCallsFrame(frame);
      this.#add(`voucher ${sequence}`, voucherDigest(domain, id, { payer: this.#self, version, sequence, paid, locksHash, callsHash: hash }));
    } else if (record[0] === RECORD.OUT && kind === FRAME.ACK) {
      const ack = readAckFrame(frame);
      this.#add(`ack ${ack.sequence} ${ack.results}`, ackDigest(domain, id, { payer: other, version: ack.version, sequence: ack.sequence, callsHash: ack.callsHash, results: ack.results, resultsHash: ack.hash }));
    } else if ((record[0] === RECORD.OUT || record[0] === RECORD.IN) && kind === FRAME.REBASE) {
      const reader = new ByteReader(record, 4);
      const base = { version: reader.u32(), paidByA: reader.u64(), paidByB: reader.u64() };
      this.#add(`base ${base.version}`, baseDigest(domain, id, base));
    } else if ((record[0] === RECORD.OUT || record[0] === RECORD.IN) && kind === FRAME.CLOSE) {
      this.#add("close", closeDigest(domain, id, readClose(record.slice(1)).close));
    }
  }

  #add(place: string, digest: Uint8Array): void {
    this.#places.set(toHex(digest), place);
  }

  /** @throws if another state was signed at the same place */
  onSign(digest: Uint8Array): void {
    const text = toHex(digest);
    const place = this.#places.get(text);
    if (place === undefined) return; // Partial withdrawals: only one of a nonce can take place.
    const before = this.#signed.get(place);
    if (before !== undefined && before !== text) throw new Error(`side ${this.#self} signed two states at ${place}`);
    this.#signed.set(place, text);
  }

  get count(): number {
    return this.#signed.size;
  }
}
