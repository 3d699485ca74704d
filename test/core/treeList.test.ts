import { expect } from "chai";

import { ListTree, computeRoot } from "../../core/state/tree/index.ts";
import { createRandomBytes } from "./support/createRandomBytes.ts";
import { referenceNode } from "./support/referenceTree.ts";

/** Rule B-1, straight from its text. */
function referenceListRoot(hashes: Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return new Uint8Array(32);
  let level = [...hashes];
  let width = 1;
  while (width < level.length) width *= 4;
  while (level.length < width) level.push(new Uint8Array(32));
  while (level.length > 1) {
    level = Array.from({ length: level.length / 4 }, (_, i) => referenceNode(Buffer.concat(level.slice(4 * i, 4 * i + 4)), 0));
  }
  return level[0];
}

describe("list tree", () => {
  const bytes = createRandomBytes(41);

  it("root: matches the definition for every length up to 70 and some above", () => {
    for (const count of [...Array(71).keys(), 255, 256, 257, 1025]) {
      const hashes = Array.from({ length: count }, () => bytes(32));
      expect(new ListTree(Buffer.concat(hashes)).root(), `${count}`).to.deep.equal(referenceListRoot(hashes));
    }
  });

  it("proof: leads to the root, padding included", () => {
    for (const count of [0, 1, 2, 4, 5, 17, 64, 65]) {
      const hashes = bytes(count * 32);
      const tree = new ListTree(hashes);
      for (let index = 0; index < 4 ** tree.depth; index++) {
        const hash = index < count ? hashes.slice(index * 32, index * 32 + 32) : new Uint8Array(32);
        expect(computeRoot(hash, index, tree.depth, tree.proof(index)), `${index} of ${count}`).to.deep.equal(tree.root());
      }
      expect(() => tree.proof(4 ** tree.depth)).to.throw(RangeError);
    }
  });

  it("hashes: are refused when their length is not whole", () => {
    expect(() => new ListTree(new Uint8Array(33))).to.throw(RangeError);
  });
});
