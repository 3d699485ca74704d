import { expect } from "chai";

import type { KeccakBackend } from "../../core/hash/index.ts";
import { DenseTree, computeRoot } from "../../core/state/tree/index.ts";
import { createRandomBytes, createRandomInteger } from "./support/createRandomBytes.ts";
import { referenceNode, referenceRoot } from "./support/referenceTree.ts";

const KIND = 4;
const ZERO = new Uint8Array(32);

/** A tree beside a plain map of its leaves. */
function createPair(depth: number, backend?: KeccakBackend) {
  const tree = new DenseTree({ kind: KIND, depth, backend });
  const leaves = new Map<number, Uint8Array>();
  const set = (entries: [number, Uint8Array][]): void => {
    tree.setLeaves(Uint32Array.from(entries, ([index]) => index), Buffer.concat(entries.map(([, leaf]) => leaf)));
    for (const [index, leaf] of entries) leaves.set(index, leaf);
  };
  const expectSame = (): void => {
    expect(tree.root()).to.deep.equal(referenceRoot(leaves, KIND, depth));
  };
  return { tree, leaves, set, expectSame };
}

describe("dense tree", () => {
  const backends: KeccakBackend[] = ["wasm-simd", "wasm", "js"];
  for (const backend of backends) {
    describe(`on ${backend}`, () => {
      const bytes = createRandomBytes(11);
      const integer = createRandomInteger(12);

      it("root: is zero when nothing was written, at every depth", () => {
        for (let depth = 0; depth <= 12; depth++) {
          expect(new DenseTree({ kind: KIND, depth, backend }).root()).to.deep.equal(ZERO);
        }
      });

      it("root: matches the definition with one leaf anywhere", () => {
        for (let depth = 0; depth <= 4; depth++) {
          for (const index of new Set([0, 1, 3, 4, 63, 64, 65, 4 ** depth - 1])) {
            if (index >= 4 ** depth) continue;
            const { set, expectSame } = createPair(depth, backend);
            set([[index, bytes(128)]]);
            expectSame();
          }
        }
      });

      it("root: matches the definition with an odd number of leaves and with all of them", () => {
        for (const [depth, count] of [[1, 3], [1, 4], [2, 7], [2, 16], [3, 61], [3, 64], [4, 255], [4, 256]]) {
          const { set, expectSame } = createPair(depth, backend);
          set(Array.from({ length: count }, (_, index) => [index, bytes(128)]));
          expectSame();
        }
      });

      it("root: matches the definition after random writes, growth and clears", () => {
        for (let round = 0; round < 6; round++) {
          const depth = 1 + integer(6);
          const { leaves, set, expectSame } = createPair(depth, backend);
          for (let batch = 0; batch < 8; batch++) {
            const below = Math.min(4 ** depth, 4 ** (1 + integer(depth)));
            const written = [...leaves.keys()];
            const clears = written.filter(() => integer(3) === 0).map((index): [number, Uint8Array] => [index, new Uint8Array(128)]);
            const writes = Array.from({ length: integer(40) }, (): [number, Uint8Array] => [integer(below), bytes(128)]);
            set([...writes, ...clears]);
            if (integer(3) > 0) expectSame();
          }
          expectSame();
          set([...leaves.keys()].map((index) => [index, new Uint8Array(128)]));
          expectSame();
        }
      });

      it("write: the later one counts when an index comes twice", () => {
        const { set, expectSame } = createPair(3, backend);
        set([[5, bytes(128)], [5, bytes(128)]]);
        expectSame();
        set([[1, bytes(128)], [5, bytes(128)], [5, bytes(128)], [6, bytes(128)], [5, new Uint8Array(128)]]);
        expectSame();
      });

      it("write: a run of leaves equals the same leaves one by one", () => {
        for (const [depth, first, count] of [[0, 0, 1], [1, 1, 2], [3, 0, 64], [4, 7, 101], [5, 63, 130], [5, 1023, 1], [6, 1000, 2100]]) {
          const { tree, set } = createPair(depth, backend);
          const run = bytes(count * 128);
          set(Array.from({ length: count }, (_, i) => [first + i, run.subarray(i * 128, i * 128 + 128)]));
          const other = new DenseTree({ kind: KIND, depth, backend });
          other.setLeavesContiguous(first, run);
          expect(other.root()).to.deep.equal(tree.root());
        }
      });

      it("proof: leads to the root for written, unwritten and never reserved leaves, also after growth", () => {
        const { tree, leaves, set } = createPair(7, backend);
        for (const highest of [1, 30, 64, 1000, 5000]) {
          set(Array.from({ length: 9 }, () => [integer(highest), bytes(128)]));
          set([[highest, bytes(128)]]);
          for (const index of [...leaves.keys(), 2, 77, 1025, 16_383]) {
            const leafHash = referenceNode(leaves.get(index) ?? new Uint8Array(128), KIND);
            expect(tree.leafHash(index)).to.deep.equal(leafHash);
            expect(computeRoot(leafHash, index, 7, tree.proof(index))).to.deep.equal(tree.root());
          }
        }
      });
    });
  }

  it("root: matches the definition at depth 12, with the last leaf too", () => {
    const bytes = createRandomBytes(13);
    const { set, expectSame } = createPair(12);
    set([[0, bytes(128)], [1_000_000, bytes(128)]]);
    expectSame();
    set([[4 ** 12 - 1, bytes(128)], [70_000, bytes(128)]]);
    expectSame();
  });

  it("memory: is about 45 MB for 2^20 leaves", () => {
    const tree = new DenseTree({ kind: 2, depth: 12 });
    tree.setLeavesContiguous(2 ** 20 - 1, createRandomBytes(14)(128));
    expect(tree.capacity).to.equal(2 ** 20);
    expect(tree.reservedBytes).to.be.lessThan(46_000_000);
  });

  it("write: is refused, with nothing written, when an index or a length does not fit", () => {
    const bytes = createRandomBytes(15);
    const tree = new DenseTree({ kind: KIND, depth: 2 });
    tree.setLeaves(Uint32Array.of(3), bytes(128));
    const root = tree.root();
    expect(() => tree.setLeaves(Uint32Array.of(1, 16), bytes(256))).to.throw(RangeError);
    expect(() => tree.setLeaves(Uint32Array.of(1, 2), bytes(255))).to.throw(RangeError);
    expect(() => tree.setLeaves(Uint32Array.of(1), bytes(256), 2)).to.throw(RangeError);
    expect(() => tree.setLeavesContiguous(15, bytes(256))).to.throw(RangeError);
    expect(() => tree.setLeavesContiguous(0, bytes(100))).to.throw(RangeError);
    expect(() => tree.setLeavesContiguous(-1, bytes(128))).to.throw(RangeError);
    for (const index of [-1, 16, 0.5, NaN]) {
      expect(() => tree.proof(index)).to.throw(RangeError);
      expect(() => tree.leafHash(index)).to.throw(RangeError);
    }
    expect(tree.root()).to.deep.equal(root);
  });

  it("options: are refused when depth or kind is out of range", () => {
    for (const [kind, depth] of [[0, 1], [16, 1], [1.5, 1], [1, -1], [1, 13], [1, 0.5]]) {
      expect(() => new DenseTree({ kind, depth })).to.throw(RangeError);
    }
  });
});
