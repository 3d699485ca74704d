import { expect } from "chai";

import { accumulatorAfter, fromHex, toHex, unpackSlots } from "../../core/codec/index.ts";
import { callSlots, randomSlots, transferSlots } from "../builders/batchData.ts";
import { accumulatorAfter as plainAccumulator } from "../builders/inboxHashes.ts";
import { packSlots } from "../builders/packSlots.ts";

describe("packed slots (B-7)", () => {
  const packed = (slots: Uint8Array): Uint8Array => fromHex(packSlots(toHex(slots)));

  for (const count of [0, 1, 84, 85, 86, 170, 171, 600]) {
    it(`unpack: gives ${count} slots back, dense, sparse and empty ones`, () => {
      for (const slots of [randomSlots(count), callSlots(count, 3), transferSlots(count, 64), new Uint8Array(96 * count)]) {
        expect(unpackSlots(packed(slots), count)).to.deep.equal(slots);
      }
    });
  }

  it("unpack: is undefined when bytes are missing or left over, or the number of slots is another", () => {
    const bytes = packed(callSlots(100, 9));
    expect(unpackSlots(bytes, 100)).to.have.length(9_600);
    for (const length of [0, 1, 31, 32, 33, bytes.length - 32, bytes.length - 1]) expect(unpackSlots(bytes.slice(0, length), 100), `${length} bytes`).to.equal(undefined);
    expect(unpackSlots(Uint8Array.of(...bytes, 0), 100)).to.equal(undefined);
    for (const slots of [0, 85, 99, 1_000]) expect(unpackSlots(bytes, slots), `${slots} slots`).to.equal(undefined);
  });
});

describe("accumulator (B-6)", () => {
  it("next: is the hash of the one before, the batch and its entries in order", () => {
    const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
    for (const entries of [[], [hash(3)], [hash(3), hash(4)], [hash(4), hash(3)]]) {
      expect(toHex(accumulatorAfter(hash(1), hash(2), entries))).to.equal(plainAccumulator(toHex(hash(1)), toHex(hash(2)), entries.map(toHex)));
    }
  });
});
