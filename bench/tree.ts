/**
 * Micro-benchmark of hashing and state trees: `node bench/tree.ts [--quick]`. Times are of this process alone on one thread;
 * every sample of a tree writes fresh random leaves and computes the root.
 */
import { cpus } from "node:os";

import { absorbSlots, absorbSlotsPair, createKeccakEngine, hashNodes, keccak256, keccak256Many, keccakBackend } from "../core/hash/index.ts";
import type { KeccakBackend } from "../core/hash/index.ts";
import { AppendTree, DenseTree, MemoryNodeStore } from "../core/state/tree/index.ts";

export interface TreeBenchOptions {
  /** Samples per figure, default 9. */
  readonly samples?: number;
  /** Leaves in the dense tree, default 2^20. */
  readonly leaves?: number;
  /** Defaults to the one this machine would use. */
  readonly backend?: KeccakBackend;
}

/** Nanoseconds per item. */
export interface TreeBenchFigure {
  readonly name: string;
  readonly medianNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  readonly samples: number;
}

function measure(name: string, samples: number, items: number, work: () => void, prepare?: () => void): TreeBenchFigure {
  const times: number[] = [];
  for (let i = -1; i < samples; i++) {
    prepare?.();
    const start = performance.now();
    work();
    // The first turn warms up.
    if (i >= 0) times.push(((performance.now() - start) * 1e6) / items);
  }
  times.sort((a, b) => a - b);
  return { name, medianNs: times[samples >> 1], minNs: times[0], maxNs: times[samples - 1], samples };
}

/** Xorshift32 words: random enough for places and contents, and cheap. */
function fillRandom(words: Uint32Array, below = 2 ** 32): void {
  let state = randomState;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = (state >>> 0) % below;
  }
  randomState = state;
}
let randomState = 0x2545f491;

function benchHashes(samples: number): TreeBenchFigure[] {
  const bytes = new Uint8Array(4096 * 128);
  fillRandom(new Uint32Array(bytes.buffer));
  const out = new Uint8Array(4096 * 32);
  const single = [32, 64, 129, 200].map((length) => {
    const message = bytes.slice(0, length);
    return measure(`keccak256, ${length} bytes`, samples, 20_000, () => {
      for (let i = 0; i < 20_000; i++) keccak256(message);
    });
  });
  const slots = bytes.slice(0, 512 * 96);
  const list = () => ({ hash: new Uint8Array(32), slots, offset: 0, count: 512 });
  return [
    ...single,
    measure("keccak256Many, 64 chunks of 4032 bytes", samples, 640, () => {
      for (let i = 0; i < 10; i++) keccak256Many(bytes, 4032, 64, out, 0);
    }),
    measure("hashNodes, 4096 nodes", samples, 40_960, () => {
      for (let i = 0; i < 10; i++) hashNodes(bytes, 0, 4096, 0, out, 0);
    }),
    measure("absorbSlots, 512 slots", samples, 51_200, () => {
      for (let i = 0; i < 100; i++) absorbSlots(out, slots, 0, 512);
    }),
    measure("absorbSlotsPair, 2 x 512 slots", samples, 102_400, () => {
      for (let i = 0; i < 100; i++) absorbSlotsPair(list(), list());
    }),
  ];
}

function benchDense(samples: number, leaves: number, backend: KeccakBackend): TreeBenchFigure[] {
  const updates = Math.min(500_000, leaves);
  const words = new Uint32Array((updates * 128) / 4);
  fillRandom(words);
  const bytes = new Uint8Array(words.buffer);
  const tree = new DenseTree({ kind: 2, depth: 12, backend });
  const load = measure(`dense, bulk load of ${leaves} leaves`, Math.min(samples, 3), leaves, () => {
    for (let first = 0; first < leaves; first += updates) {
      tree.setLeavesContiguous(first, bytes, Math.min(updates, leaves - first));
    }
    tree.root();
  });
  const batches = [500_000, 100_000, 10_000, 1_000, 1].filter((size) => size <= leaves);
  return [
    load,
    ...batches.map((size) => {
      const indices = new Uint32Array(size);
      const rounds = Math.max(1, Math.floor(2_000 / size));
      const work = (): void => {
        for (let i = 0; i < rounds; i++) {
          tree.setLeaves(indices, bytes);
          tree.root();
        }
      };
      const prepare = (): void => {
        fillRandom(indices, leaves);
        fillRandom(words.subarray(0, size * 32));
      };
      return measure(`dense ${leaves}, ${size} random updates and root`, samples, size * rounds, work, prepare);
    }),
  ];
}

function benchAppend(samples: number): TreeBenchFigure[] {
  const words = new Uint32Array((100_000 * 128) / 4);
  fillRandom(words);
  const bytes = new Uint8Array(words.buffer);
  const tree = new AppendTree({ kind: 8, depth: 24, sink: new MemoryNodeStore() });
  const work = (): void => {
    tree.append(bytes);
    tree.root();
  };
  return [measure("append, 100000 leaves and root, nodes kept in memory", samples, 100_000, work)];
}

export function run(options: TreeBenchOptions = {}): TreeBenchFigure[] {
  const { samples = 9, leaves = 2 ** 20, backend = keccakBackend() } = options;
  return [...benchHashes(samples), ...benchDense(samples, leaves, backend), ...benchAppend(samples)];
}

if (import.meta.main) {
  const isQuick = process.argv.includes("--quick");
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}, ${createKeccakEngine().backend}, one thread`);
  console.log("nanoseconds per item: median (fastest - slowest, samples)");
  for (const { name, medianNs, minNs, maxNs, samples } of run(isQuick ? { samples: 3, leaves: 2 ** 16 } : {})) {
    console.log(`${name.padEnd(56)} ${medianNs.toFixed(0).padStart(7)} (${minNs.toFixed(0)} - ${maxNs.toFixed(0)}, ${samples})`);
  }
}
