import { Worker } from "node:worker_threads";

import { keccak_256 } from "@noble/hashes/sha3.js";
import { expect } from "chai";

import {
  absorbSlots,
  absorbSlotsPair,
  createKeccakEngine,
  hashNode,
  hashNodes,
  keccak256,
  keccak256Into,
  keccak256Many,
  keccakBackend,
} from "../../core/hash/index.ts";
import type { KeccakBackend } from "../../core/hash/index.ts";
import { createRandomBytes } from "./support/createRandomBytes.ts";
import { referenceNode } from "./support/referenceTree.ts";

const BACKENDS: KeccakBackend[] = ["wasm-simd", "wasm", "js"];

function referenceChain(seed: Uint8Array, slots: Uint8Array): Uint8Array {
  let hash = seed;
  for (let at = 0; at < slots.length; at += 96) hash = keccak_256(Buffer.concat([hash, slots.subarray(at, at + 96)]));
  return hash;
}

describe("keccak256", () => {
  it("one: matches the published hashes of the empty string and of abc", () => {
    expect(Buffer.from(keccak256(new Uint8Array(0))).toString("hex")).to.equal(
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    );
    expect(Buffer.from(keccak256(new TextEncoder().encode("abc"))).toString("hex")).to.equal(
      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    );
  });

  it("one: agrees with an independent implementation for every length from 0 to 400", () => {
    const bytes = createRandomBytes(1);
    for (let length = 0; length <= 400; length++) {
      const message = bytes(length);
      expect(keccak256(message), `length ${length}`).to.deep.equal(keccak_256(message));
    }
  });

  it("one: agrees with an independent implementation around the size of its buffer and far above", () => {
    const bytes = createRandomBytes(2);
    for (const length of [32_639, 32_640, 32_641, 32_775, 32_776, 65_280, 65_281, 300_000]) {
      const message = bytes(length);
      expect(keccak256(message), `length ${length}`).to.deep.equal(keccak_256(message));
    }
  });

  it("many: agree with an independent implementation for every length and for odd counts", () => {
    const bytes = createRandomBytes(8);
    for (const [length, count] of [...Array.from({ length: 300 }, (_, i) => [i, 3]), [4032, 13], [136, 600], [16_384, 5]]) {
      const messages = bytes(length * count);
      const out = new Uint8Array(count * 32);
      keccak256Many(messages, length, count, out, 0);
      for (let i = 0; i < count; i++) {
        const expected = keccak_256(messages.subarray(i * length, (i + 1) * length));
        expect(out.subarray(i * 32, i * 32 + 32), `${i} of length ${length}`).to.deep.equal(expected);
      }
    }
    expect(() => keccak256Many(new Uint8Array(5), 2, 3, new Uint8Array(96), 0)).to.throw(RangeError);
    expect(() => keccak256Many(new Uint8Array(6), 2, 3, new Uint8Array(95), 0)).to.throw(RangeError);
    expect(() => keccak256Many(new Uint8Array(16_385), 16_385, 1, new Uint8Array(32), 0)).to.throw(RangeError);
  });

  it("into: writes to the given offset and refuses one that does not fit", () => {
    const out = new Uint8Array(40);
    keccak256Into(Uint8Array.of(1, 2, 3), out, 8);
    expect(out.subarray(8)).to.deep.equal(keccak_256(Uint8Array.of(1, 2, 3)));
    expect(out.subarray(0, 8)).to.deep.equal(new Uint8Array(8));
    expect(() => keccak256Into(new Uint8Array(1), out, 9)).to.throw(RangeError);
    expect(() => keccak256Into(new Uint8Array(1), out, -1)).to.throw(RangeError);
  });
});

describe("keccakBackend", () => {
  const inWorker = async (restriction: string) => {
    const worker = new Worker(new URL("./support/restrictedWorker.ts", import.meta.url), { workerData: restriction });
    return new Promise<{ backend: KeccakBackend; hash: Uint8Array; node: Uint8Array }>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  };
  const cases: [string, KeccakBackend][] = [
    ["none", "wasm-simd"],
    ["without SIMD", "wasm"],
    ["forbidden", "js"],
    ["absent", "js"],
  ];

  it("choice: is SIMD WebAssembly under Node", () => {
    expect(keccakBackend()).to.equal("wasm-simd");
  });

  for (const [restriction, backend] of cases) {
    it(`choice: is ${backend} in a thread whose WebAssembly restriction is "${restriction}", with the same hashes`, async () => {
      const result = await inWorker(restriction);
      expect(result.backend).to.equal(backend);
      expect(result.hash).to.deep.equal(keccak_256(Uint8Array.of(1)));
      expect(result.node).to.deep.equal(referenceNode(new Uint8Array(128).fill(5), 1));
    });
  }
});

describe("hashNodes", () => {
  it("nodes: match the reference for odd and even counts and several tags", () => {
    const bytes = createRandomBytes(3);
    for (const [count, tag] of [[0, 1], [1, 0], [2, 15], [3, 2], [255, 0], [256, 9], [257, 1], [600, 255]] as const) {
      const words = bytes(count * 128);
      if (count > 2) words.fill(0, 128, 256);
      const out = new Uint8Array(count * 32);
      hashNodes(words, 0, count, tag, out, 0);
      for (let i = 0; i < count; i++) {
        const expected = referenceNode(words.subarray(i * 128, i * 128 + 128), tag);
        expect(out.subarray(i * 32, i * 32 + 32), `${i} of ${count}`).to.deep.equal(expected);
      }
    }
  });

  it("node: is zero only when all 128 bytes are zero", () => {
    const out = new Uint8Array(32);
    hashNode(new Uint8Array(128), 0, 4, out, 0);
    expect(out).to.deep.equal(new Uint8Array(32));
    for (let at = 0; at < 128; at++) {
      const words = new Uint8Array(128);
      words[at] = 1;
      hashNode(words, 0, 4, out, 0);
      expect(out).to.deep.equal(referenceNode(words, 4));
    }
  });

  it("range: is refused when it does not fit", () => {
    expect(() => hashNode(new Uint8Array(127), 0, 0, new Uint8Array(32), 0)).to.throw(RangeError);
    expect(() => hashNode(new Uint8Array(128), 1, 0, new Uint8Array(32), 0)).to.throw(RangeError);
    expect(() => hashNode(new Uint8Array(128), 0, 0, new Uint8Array(32), 1)).to.throw(RangeError);
  });
});

describe("absorbSlots", () => {
  it("slots: are absorbed into the running hash, alone and in pairs of unequal length", () => {
    const bytes = createRandomBytes(4);
    for (const [countA, countB] of [[0, 0], [1, 0], [1, 1], [5, 3], [127, 128], [129, 129], [512, 300], [2, 700]] as const) {
      const [slotsA, slotsB] = [bytes(countA * 96), bytes(countB * 96 + 5)];
      const [seedA, seedB] = [bytes(32), bytes(32)];
      const expectedA = referenceChain(seedA, slotsA);
      const alone = seedA.slice();
      absorbSlots(alone, slotsA, 0, countA);
      expect(alone).to.deep.equal(expectedA);
      const a = { hash: seedA, slots: slotsA, offset: 0, count: countA };
      const b = { hash: seedB.slice(), slots: slotsB, offset: 5, count: countB };
      absorbSlotsPair(a, b);
      expect(a.hash).to.deep.equal(expectedA);
      expect(b.hash).to.deep.equal(referenceChain(seedB, slotsB.subarray(5)));
    }
  });
});

describe("createKeccakEngine", () => {
  for (const backend of BACKENDS) {
    describe(backend, () => {
      const engine = createKeccakEngine(backend);
      const source = engine.heapBase;
      const COUNT = 37;
      const target = source + COUNT * 128;
      engine.ensureBytes(target + COUNT * 32);
      const words = createRandomBytes(5)(COUNT * 128);
      words.fill(0, 3 * 128, 4 * 128);

      it("backend: is named", () => {
        expect(engine.backend).to.equal(backend);
      });

      it("nodes: match the reference, one by one and many", () => {
        for (const count of [1, 2, 3, 4, 36, 37]) {
          engine.memory.set(words, source);
          engine.hashMany(source, count, 3, target);
          for (let i = 0; i < count; i++) {
            const expected = referenceNode(words.subarray(i * 128, i * 128 + 128), 3);
            expect(engine.memory.slice(target + i * 32, target + i * 32 + 32)).to.deep.equal(expected);
            engine.hashOne(source + i * 128, 3, target);
            expect(engine.memory.slice(target, target + 32)).to.deep.equal(expected);
          }
        }
      });

      it("digest: matches the reference for any length", () => {
        const bytes = createRandomBytes(6);
        for (const length of [0, 1, 7, 8, 135, 136, 137, 271, 272, 273, 32_641]) {
          const message = bytes(length);
          const out = new Uint8Array(33);
          engine.digest(message, out, 1);
          expect(out.slice(1)).to.deep.equal(keccak_256(message));
        }
      });

      it("many: match the reference", () => {
        const bytes = createRandomBytes(9);
        for (const length of [0, 1, 8, 9, 135, 136, 137, 300]) {
          const messages = bytes(3 * length);
          engine.memory.set(messages, source);
          engine.keccak256Many(source, length, 3, target);
          for (let i = 0; i < 3; i++) {
            const expected = keccak_256(messages.subarray(i * length, (i + 1) * length));
            expect(engine.memory.slice(target + i * 32, target + i * 32 + 32)).to.deep.equal(expected);
          }
        }
      });

      it("slot pairs: match the reference", () => {
        const bytes = createRandomBytes(7);
        const [seeds, slots] = [bytes(64), bytes(6 * 96)];
        engine.memory.set(seeds, target);
        engine.memory.set(slots, source);
        engine.absorbSlotsPair(target, source, target + 32, source + 3 * 96, 3);
        expect(engine.memory.slice(target, target + 32)).to.deep.equal(referenceChain(seeds.subarray(0, 32), slots.subarray(0, 288)));
        expect(engine.memory.slice(target + 32, target + 64)).to.deep.equal(referenceChain(seeds.subarray(32), slots.subarray(288)));
      });

      it("memory: keeps its content when it grows", () => {
        engine.memory.set([1, 2, 3], source);
        const before = engine.memory.length;
        engine.ensureBytes(before + 1);
        expect(engine.memory.length).to.be.greaterThan(before);
        expect(engine.memory.slice(source, source + 3)).to.deep.equal(Uint8Array.of(1, 2, 3));
        expect(engine.memory.subarray(before).every((byte) => byte === 0)).to.be.true;
      });
    });
  }
});
