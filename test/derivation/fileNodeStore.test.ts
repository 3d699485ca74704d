import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { AppendTree, MemoryNodeStore } from "../../core/state/tree/index.ts";
import { FileNodeStore } from "../../derivation/FileNodeStore.ts";

const DEPTH = 8;
const KIND = 8;

function leaves(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count * 128);
  for (let index = 0; index < count; index += 1) new DataView(bytes.buffer).setUint32(index * 128 + 4, first + index + 1);
  return bytes;
}

describe("file node store", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-nodes-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("proof: equals that of the store in memory for old and new leaves", () => {
    const store = new FileNodeStore(dir, "receipts", DEPTH);
    const memory = new MemoryNodeStore();
    const tree = new AppendTree({ kind: KIND, depth: DEPTH, sink: store });
    const reference = new AppendTree({ kind: KIND, depth: DEPTH, sink: memory });
    for (const [first, count] of [[0, 1], [1, 300], [301, 4096], [4397, 5]] as const) {
      tree.append(leaves(first, count));
      reference.append(leaves(first, count));
    }
    for (const index of [0, 3, 300, 4000, 4401]) expect(tree.proof(store, index)).to.deep.equal(reference.proof(memory, index));
    expect(tree.root()).to.deep.equal(reference.root());
    store.close();
  });

  it("truncate: goes back to a snapshot after a restart and forward on another path", () => {
    const store = new FileNodeStore(dir, "receipts", DEPTH);
    const tree = new AppendTree({ kind: KIND, depth: DEPTH, sink: store });
    tree.append(leaves(0, 1000));
    const snapshot = tree.snapshot();
    store.sync();
    tree.append(leaves(1000, 777));
    store.close();

    const reopened = new FileNodeStore(dir, "receipts", DEPTH);
    reopened.truncate(1000);
    const resumed = new AppendTree({ kind: KIND, depth: DEPTH, sink: reopened });
    resumed.restore(snapshot);
    resumed.append(leaves(5000, 900));
    const reference = new AppendTree({ kind: KIND, depth: DEPTH, sink: new MemoryNodeStore() });
    reference.append(leaves(0, 1000));
    reference.append(leaves(5000, 900));
    expect(resumed.root()).to.deep.equal(reference.root());
    expect(resumed.rootAt(reopened, 1900)).to.deep.equal(reference.root());
    reopened.close();
  });

  it("put: is refused when nodes are missing", () => {
    const store = new FileNodeStore(dir, "receipts", DEPTH);
    expect(() => store.put(0, 1, new Uint8Array(32))).to.throw(RangeError);
    expect(() => store.truncate(5)).to.throw(RangeError);
    store.close();
  });
});
