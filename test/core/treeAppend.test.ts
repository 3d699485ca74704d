import { expect } from "chai";

import { AppendTree, DenseTree, MemoryNodeStore, computeRoot } from "../../core/state/tree/index.ts";
import { createRandomBytes, createRandomInteger } from "./support/createRandomBytes.ts";
import { referenceNode } from "./support/referenceTree.ts";

const KIND = 8;

function createStored(depth: number) {
  const store = new MemoryNodeStore();
  return { store, tree: new AppendTree({ kind: KIND, depth, sink: store }) };
}

describe("append tree", () => {
  it("root: equals a dense tree's after every leaf, from none to full", () => {
    const bytes = createRandomBytes(21);
    for (const depth of [1, 2, 3]) {
      const { tree } = createStored(depth);
      const dense = new DenseTree({ kind: KIND, depth });
      expect(tree.root()).to.deep.equal(dense.root());
      for (let index = 0; index < 4 ** depth; index++) {
        const leaf = index % 7 === 3 ? new Uint8Array(128) : bytes(128);
        tree.append(leaf);
        dense.setLeavesContiguous(index, leaf);
        expect(tree.root(), `${index} at depth ${depth}`).to.deep.equal(dense.root());
      }
    }
  });

  it("root: equals a dense tree's after batches of any size", () => {
    const bytes = createRandomBytes(22);
    const integer = createRandomInteger(23);
    const { tree } = createStored(7);
    const dense = new DenseTree({ kind: KIND, depth: 7 });
    for (const size of [0, 1, 255, 256, 257, 3, 1023, 2, ...Array.from({ length: 12 }, () => integer(900))]) {
      const leaves = bytes(size * 128);
      const first = tree.count;
      tree.append(leaves, size);
      dense.setLeavesContiguous(first, leaves, size);
      expect(tree.root(), `${size} at ${first}`).to.deep.equal(dense.root());
    }
  });

  it("root: equals a dense tree's at depth 12", () => {
    const leaves = createRandomBytes(24)(1000 * 128);
    const tree = new AppendTree({ kind: KIND, depth: 12 });
    const dense = new DenseTree({ kind: KIND, depth: 12 });
    tree.append(leaves);
    dense.setLeavesContiguous(0, leaves);
    expect(tree.root()).to.deep.equal(dense.root());
  });

  it("proof: leads to the root of now and of every earlier count", () => {
    const bytes = createRandomBytes(25);
    const { tree, store } = createStored(4);
    const leaves: Uint8Array[] = [];
    const roots = [tree.root()];
    for (let index = 0; index < 90; index++) {
      leaves.push(index === 40 ? new Uint8Array(128) : bytes(128));
      tree.append(leaves[index]);
      roots.push(tree.root());
    }
    for (const count of [0, 1, 4, 5, 16, 17, 63, 64, 65, 90]) {
      expect(tree.rootAt(store, count)).to.deep.equal(roots[count]);
      for (let index = 0; index < 100; index++) {
        const leaf = index < count ? leaves[index] : new Uint8Array(128);
        const proof = tree.proof(store, index, count);
        expect(computeRoot(referenceNode(leaf, KIND), index, 4, proof), `${index} of ${count}`).to.deep.equal(roots[count]);
      }
    }
    expect(tree.proof(store, 89)).to.deep.equal(tree.proof(store, 89, 90));
  });

  it("proof: leads to the root of a full tree", () => {
    const leaves = createRandomBytes(26)(64 * 128);
    const { tree, store } = createStored(3);
    tree.append(leaves);
    for (const index of [0, 5, 63]) {
      const leafHash = referenceNode(leaves.subarray(index * 128, index * 128 + 128), KIND);
      expect(computeRoot(leafHash, index, 3, tree.proof(store, index))).to.deep.equal(tree.root());
    }
    expect(tree.rootAt(store, 64)).to.deep.equal(tree.root());
    expect(() => tree.append(new Uint8Array(128))).to.throw(RangeError);
  });

  it("snapshot: restores a tree that goes on alike, at small counts and far beyond 32 bits", () => {
    const bytes = createRandomBytes(27);
    for (const count of [0, 1, 3, 4, 77, 256]) {
      const tree = new AppendTree({ kind: KIND, depth: 4 });
      tree.append(bytes(count * 128));
      const copy = new AppendTree({ kind: KIND, depth: 4 });
      copy.append(bytes(128));
      copy.restore(tree.snapshot());
      expect([copy.count, copy.root()]).to.deep.equal([count, tree.root()]);
      if (count === 256) continue;
      const more = bytes(10 * 128);
      tree.append(more);
      copy.append(more);
      expect(copy.root()).to.deep.equal(tree.root());
    }
    // 4^24 - 1 leaves: three nodes at each of 24 levels.
    const snapshot = new Uint8Array(8 + 24 * 3 * 32);
    new DataView(snapshot.buffer).setBigUint64(0, 4n ** 24n - 1n);
    snapshot.set(bytes(24 * 3 * 32), 8);
    const last = new AppendTree({ kind: KIND, depth: 24 });
    last.restore(snapshot);
    expect(last.snapshot()).to.deep.equal(snapshot);
    last.append(bytes(128));
    expect(last.count).to.equal(4 ** 24);
    expect(last.snapshot().length).to.equal(8 + 32);
    expect(() => last.append(bytes(128))).to.throw(RangeError);
  });

  it("snapshot: is refused, with nothing changed, when its length or count does not fit", () => {
    const tree = new AppendTree({ kind: KIND, depth: 2 });
    tree.append(createRandomBytes(28)(5 * 128));
    const snapshot = tree.snapshot();
    const root = tree.root();
    const tooMany = new Uint8Array(8 + 32);
    tooMany[7] = 17;
    for (const bad of [snapshot.subarray(1), snapshot.subarray(0, 7), Buffer.concat([snapshot, Buffer.alloc(32)]), tooMany]) {
      expect(() => tree.restore(bad)).to.throw(RangeError);
    }
    expect(tree.root()).to.deep.equal(root);
  });

  it("sink: gets every complete node once, in order, and nothing else", () => {
    const seen = new Map<number, number>();
    const sink = {
      put(level: number, firstIndex: number, hashes: Uint8Array) {
        expect(firstIndex).to.equal(seen.get(level) ?? 0);
        seen.set(level, firstIndex + hashes.length / 32);
      },
    };
    const tree = new AppendTree({ kind: KIND, depth: 6, sink });
    for (const size of [1, 2, 300, 1000]) tree.append(new Uint8Array(size * 128).fill(1));
    expect([...seen]).to.deep.equal([[0, 1303], [1, 325], [2, 81], [3, 20], [4, 5], [5, 1]]);
  });

  it("append: is refused, with nothing appended, when it does not fit", () => {
    const tree = new AppendTree({ kind: KIND, depth: 1 });
    tree.append(new Uint8Array(3 * 128).fill(1));
    expect(() => tree.append(new Uint8Array(2 * 128))).to.throw(RangeError);
    expect(() => tree.append(new Uint8Array(127))).to.throw(RangeError);
    expect(() => tree.append(new Uint8Array(128), 2)).to.throw(RangeError);
    expect(tree.count).to.equal(3);
  });

  it("history: is refused for a count that the tree never had", () => {
    const { tree, store } = createStored(2);
    tree.append(new Uint8Array(128));
    for (const count of [2, -1, 0.5]) expect(() => tree.rootAt(store, count)).to.throw(RangeError);
    expect(() => tree.proof(store, 16)).to.throw(RangeError);
  });

  it("options: are refused when depth or kind is out of range", () => {
    for (const [kind, depth] of [[0, 1], [16, 1], [1, 0], [1, 25], [1, 1.5]]) {
      expect(() => new AppendTree({ kind, depth })).to.throw(RangeError);
    }
  });
});

describe("memory node store", () => {
  it("get: returns what was put across its chunks", () => {
    const hashes = createRandomBytes(29)(2500 * 32);
    const store = new MemoryNodeStore();
    store.put(2, 0, hashes.subarray(0, 1000 * 32));
    store.put(2, 1000, hashes.subarray(1000 * 32));
    for (const index of [0, 999, 1000, 1023, 1024, 2047, 2048, 2499]) {
      expect(store.get(2, index)).to.deep.equal(hashes.subarray(index * 32, index * 32 + 32));
    }
  });

  it("get and put: are refused for a node that is not there or not due", () => {
    const store = new MemoryNodeStore();
    expect(() => store.get(0, 0)).to.throw(RangeError);
    expect(() => store.put(0, 1, new Uint8Array(32))).to.throw(RangeError);
    store.put(0, 0, new Uint8Array(32));
    expect(() => store.get(0, 1)).to.throw(RangeError);
    expect(() => store.put(0, 0, new Uint8Array(32))).to.throw(RangeError);
  });
});
