import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import { CoreError } from "../../core/errors.ts";
import { DIRECTORY, KIND, STATE_FORMAT } from "../../core/generated/protocol.ts";
import { AddressDirectory, createState, createStateTree, LeafStore } from "../../core/state/index.ts";
import { Random } from "../differential/scenario/Random.ts";

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

const leafOf = (byte: number): Uint8Array => new Uint8Array(128).fill(byte);
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

describe("leaf store", () => {
  it("growth: keeps every leaf when far ones are touched", () => {
    const store = new LeafStore(KIND.AGENT, false);
    for (const index of [3, 64, 1000, 5000]) store.setLeaf(index, leafOf(index & 255));
    for (const index of [3, 64, 1000, 5000]) expect(toHex(store.leaf(index))).to.equal(toHex(leafOf(index & 255)));
    expect(toHex(store.leaf(70_000))).to.equal(toHex(leafOf(0)));
    expect(store.count).to.equal(5001);
  });

  it("drain: hands over each changed leaf once, in touch order, and nothing when nothing changed since", () => {
    const store = new LeafStore(KIND.AGENT, false);
    store.setLeaf(9, leafOf(9));
    store.setLeaf(2, leafOf(2));
    store.setLeaf(9, leafOf(10));
    const drained = store.drain()!;
    expect([...drained.indices]).to.deep.equal([9, 2]);
    expect(drained.leaves[0]).to.equal(10);
    expect(drained.leaves[128]).to.equal(2);
    expect(store.drain()).to.equal(null);
    store.touch(2);
    expect([...store.drain()!.indices]).to.deep.equal([2]);
  });

  it("append-only: forgets what was handed over and goes on behind it", () => {
    const store = new LeafStore(KIND.RECEIPT, true);
    for (let i = 0; i < 100; i += 1) store.setLeaf(i, leafOf(i));
    expect(store.drain()!.indices).to.have.length(100);
    expect(store).to.include({ first: 100, count: 0 });
    expect(codeOf(() => store.leaf(99))).to.equal("state/window");
    const at = store.touch(100);
    expect(toHex(store.bytes.slice(at, at + 128))).to.equal(toHex(leafOf(0)));
    expect(codeOf(() => store.touch(99))).to.equal("state/window");
    expect([...store.drain()!.indices]).to.deep.equal([100]);
  });

  it("touchHeld: does not grow the store when the leaf was never used", () => {
    const store = new LeafStore(KIND.INVOCATION, false);
    expect(store.touchHeld(16_777_215)).to.equal(-1);
    expect(store.count).to.equal(0);
    store.touch(1);
    expect(store.touchHeld(1)).to.equal(128);
  });

  it("index: is refused when the subtree has no such leaf", () => {
    expect(codeOf(() => new LeafStore(KIND.SYSTEM, false).touch(4))).to.equal("state/index");
    expect(codeOf(() => createState().store(10))).to.equal("state/index");
    expect(codeOf(() => new LeafStore(KIND.AGENT, false).setLeaf(0, new Uint8Array(127)))).to.equal("codec/length");
  });

  it("counter: stays at its greatest value when it is full", () => {
    const store = new LeafStore(KIND.AGENT, false);
    const at = store.touch(0);
    store.setU32(at, 0xfffffffe);
    store.increment(at);
    store.increment(at);
    expect(store.u32(at)).to.equal(0xffffffff);
  });

  it("u64: comes back exactly when it is below 2^53", () => {
    const store = new LeafStore(KIND.AGENT, false);
    const at = store.touch(0);
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
      store.setU64(at, value);
      expect(store.u64(at)).to.equal(value);
    }
  });
});

describe("address directory", () => {
  it("low: finds the greatest address not above when thousands came in random order, also after a rebuild", () => {
    const random = new Random(5);
    const store = new LeafStore(KIND.DIRECTORY, false);
    const directory = new AddressDirectory(store);
    store.touch(0);
    const known: { hex: string; index: number }[] = [{ hex: `0x${"00".repeat(20)}`, index: 0 }];
    for (let index = 1; index <= 3000; index += 1) {
      const address = random.bytes(20);
      // Some share their first eight bytes, so that later words decide.
      if (index % 3 === 0) address.fill(7, 0, 8);
      const at = store.touch(index);
      store.bytes.set(address, at + DIRECTORY.owner);
      directory.insert(index, viewOf(address), 0);
      known.push({ hex: toHex(address), index });
    }
    known.sort((a, b) => (a.hex < b.hex ? -1 : 1));
    for (const [place, { index }] of known.entries()) store.setU32(index * 128 + DIRECTORY.nextIndex, known[place + 1]?.index ?? 0);
    const rebuilt = new AddressDirectory(store);
    rebuilt.rebuild();
    for (let i = 0; i < 2000; i += 1) {
      const probe = i % 2 === 0 ? random.bytes(20) : store.bytes.slice((1 + (i % 3000)) * 128, (1 + (i % 3000)) * 128 + 20);
      const hex = toHex(probe);
      const expected = known.findLast((account) => account.hex <= hex)!;
      for (const tested of [directory, rebuilt]) {
        expect(tested.low(viewOf(probe), 0)).to.equal(expected.index);
        expect(tested.find(viewOf(probe), 0)).to.equal(expected.hex === hex ? expected.index : 0);
      }
    }
  });
});

describe("state", () => {
  it("snapshot: is refused when its format or its subtrees are another version's", () => {
    const snapshot = createState().exportSnapshot();
    expect(snapshot.format).to.equal(STATE_FORMAT);
    expect(codeOf(() => createState().importSnapshot({ ...snapshot, format: STATE_FORMAT + 1 }))).to.equal("state/snapshot");
    expect(codeOf(() => createState().importSnapshot({ ...snapshot, parts: snapshot.parts.slice(1) }))).to.equal("state/snapshot");
    expect(codeOf(() => createState().importSnapshot({ ...snapshot, parts: [...snapshot.parts].reverse() }))).to.equal("state/snapshot");
    const torn = snapshot.parts.map((part) => ({ ...part, leaves: new Uint8Array(100) }));
    expect(codeOf(() => createState().importSnapshot({ ...snapshot, parts: torn }))).to.equal("state/snapshot");
  });

  it("tree: refuses receipts when they leave a gap", () => {
    const tree = createStateTree();
    const receipt = { kind: KIND.RECEIPT, indices: Float64Array.of(1), leaves: leafOf(1) };
    expect(codeOf(() => tree.apply([receipt]))).to.equal("state/window");
    tree.apply([{ ...receipt, indices: Float64Array.of(0) }, receipt]);
    expect(tree.count(KIND.RECEIPT)).to.equal(2);
    expect(codeOf(() => tree.subtreeRoot(10))).to.equal("state/index");
  });
});
