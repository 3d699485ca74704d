import { encodeHeader, encodeRecord } from "../../core/codec/index.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { keccak256 } from "../../core/hash/index.ts";

/** Bytes without structure, the same at every call. */
class Noise {
  #hash = keccak256(new Uint8Array());

  word(): Uint8Array {
    this.#hash = keccak256(this.#hash);
    return this.#hash;
  }

  /** Below 2^bits, at most 32. */
  number(bits: number): number {
    return new DataView(this.word().buffer).getUint32(0) >>> (32 - bits);
  }
}

/** Data without structure: no byte is cheap, and nothing compresses. */
export function randomSlots(count: number): Uint8Array {
  const noise = new Noise();
  const bytes = new Uint8Array(count * SLOT_BYTES);
  for (let start = 0; start < bytes.length; start += 32) bytes.set(noise.word(), start);
  return bytes;
}

/** As many bundles of `size` records, with signatures that look like some, as fit into so many slots. */
function bundles(count: number, size: number, record: (noise: Noise, index: number) => Uint8Array): Uint8Array {
  const noise = new Noise();
  const bytes = new Uint8Array(count * SLOT_BYTES);
  for (let slot = 0; slot < count; ) {
    const records = Math.min(size, count - slot - 1);
    const [signatureR, signatureVs] = [noise.word(), noise.word()];
    const agent = 1 + noise.number(20);
    bytes.set(encodeHeader({ agent, nonce: noise.number(10), count: records, validUntil: 2_000_000_600, signatureR, signatureVs }), slot * SLOT_BYTES);
    for (let index = 0; index < records; index += 1) bytes.set(record(noise, index), (slot + 1 + index) * SLOT_BYTES);
    slot += 1 + records;
  }
  return bytes;
}

/** Transfers of small amounts among a million agents: the emptiest records there are. */
export function transferSlots(count: number, bundleSize: number): Uint8Array {
  return bundles(count, bundleSize, (noise) => encodeRecord("TRANSFER", { to: 1 + noise.number(20), amount: 1 + noise.number(20) }));
}

/** Calls and answers by turns, as agents make them. */
export function callSlots(count: number, bundleSize: number): Uint8Array {
  return bundles(count, bundleSize, (noise, index) =>
    index % 2 === 0
      ? encodeRecord("INVOKE", { provider: 1 + noise.number(20), price: 1 + noise.number(20), deadline: 2_000_000_060, capability: noise.number(16), inputHash: noise.word() })
      : encodeRecord("RESPOND", { status: 0, slot: noise.number(24), id: 1 + noise.number(31), outputHash: noise.word() }),
  );
}
