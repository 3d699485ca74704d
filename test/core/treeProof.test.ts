import { expect } from "chai";

import { DenseTree, computeRoot, isProofValid } from "../../core/state/tree/index.ts";
import { createRandomBytes } from "./support/createRandomBytes.ts";

describe("tree proof", () => {
  const depth = 4;
  const index = 57;
  const tree = new DenseTree({ kind: 3, depth });
  tree.setLeavesContiguous(0, createRandomBytes(31)(200 * 128));
  const [root, leafHash, proof] = [tree.root(), tree.leafHash(index), tree.proof(index)];

  it("verification: accepts the leaf in its place", () => {
    expect(isProofValid(root, leafHash, index, depth, proof)).to.be.true;
  });

  it("verification: fails when any byte of proof, leaf or root is flipped", () => {
    for (const bytes of [proof, leafHash, root]) {
      for (let at = 0; at < bytes.length; at++) {
        bytes[at] ^= 1 << (at & 7);
        expect(isProofValid(root, leafHash, index, depth, proof)).to.be.false;
        bytes[at] ^= 1 << (at & 7);
      }
    }
  });

  it("verification: fails for every other index", () => {
    for (let other = 0; other < 4 ** depth; other++) {
      expect(isProofValid(root, leafHash, other, depth, proof)).to.equal(other === index);
    }
  });

  it("verification: fails when a length, the depth or the index is wrong", () => {
    const cases: [Uint8Array, Uint8Array, number, number, Uint8Array][] = [
      [root, leafHash, index, depth, proof.subarray(96)],
      [root, leafHash, index, depth, proof.subarray(1)],
      [root, leafHash, index, depth, Buffer.concat([proof, Buffer.alloc(1)])],
      [root, leafHash, index, depth, Buffer.concat([proof, Buffer.alloc(96)])],
      [root, leafHash, index, depth + 1, proof],
      [root, leafHash, index, depth - 1, proof],
      [root, leafHash, index + 4 ** depth, depth, proof],
      [root, leafHash, index - 4 ** depth, depth, proof],
      [root, leafHash, index + 0.5, depth, proof],
      [root, leafHash.subarray(1), index, depth, proof],
      [root.subarray(1), leafHash, index, depth, proof],
    ];
    for (const [caseRoot, ...rest] of cases) {
      expect(isProofValid(caseRoot, ...rest)).to.be.false;
      if (caseRoot === root) expect(() => computeRoot(...rest)).to.throw(RangeError);
    }
  });

  it("root: is the leaf hash itself at depth 0", () => {
    expect(computeRoot(leafHash, 0, 0, new Uint8Array(0))).to.deep.equal(leafHash);
  });
});
