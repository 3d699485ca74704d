import { parentPort, workerData } from "node:worker_threads";

import { DEPTH_OF_KIND, KIND } from "../../../core/generated/protocol.ts";
import { createStateTree } from "../../../core/state/index.ts";
import type { DirtyLeaves, StateSnapshot, StateTreeSnapshot } from "../../../core/state/index.ts";
import { RecordFile } from "../../../derivation/files/RecordFile.ts";
import { FileNodeStore } from "../../../derivation/FileNodeStore.ts";
import type { RootAnswer, RootRequest } from "./messages.ts";

const LEAF_BYTES = 128;
const { dir, state, tree: treeSnapshot } = workerData as { dir: string; state: StateSnapshot | undefined; tree: StateTreeSnapshot | undefined };

// The trees live here, so that hashing runs beside execution. The node files only save work: they are cut to the snapshot and made
// again by the replay of the log.
const nodes = { receipts: new FileNodeStore(dir, "receipts", DEPTH_OF_KIND[KIND.RECEIPT]), withdrawals: new FileNodeStore(dir, "withdrawals", DEPTH_OF_KIND[KIND.WITHDRAWAL]) };
const leaves = new Map([
  [KIND.RECEIPT as number, new RecordFile(`${dir}/receipts.leaves`, LEAF_BYTES)],
  [KIND.WITHDRAWAL as number, new RecordFile(`${dir}/withdrawals.leaves`, LEAF_BYTES)],
]);
const tree = createStateTree(nodes);
if (state !== undefined && treeSnapshot !== undefined) {
  tree.restore(treeSnapshot);
  for (const part of state.parts) if (!leaves.has(part.kind)) tree.load(part.kind, part.first, part.leaves);
}
try {
  nodes.receipts.truncate(tree.count(KIND.RECEIPT));
  nodes.withdrawals.truncate(tree.count(KIND.WITHDRAWAL));
  for (const [kind, file] of leaves) file.truncate(tree.count(kind));
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  throw new Error(`The node files are shorter than the snapshot says (${error.message}). Move the folders "nodes" and "snapshots" away: they are made again from the log`, { cause: error });
}

function apply(drained: readonly DirtyLeaves[]): void {
  tree.apply(drained);
  for (const part of drained) leaves.get(part.kind)?.append(part.leaves);
}

function answer(request: RootRequest): RootAnswer {
  if (request.ask === "apply") {
    apply(request.drained);
    return { id: request.id, root: tree.root() };
  }
  if (request.ask === "snapshot") {
    nodes.receipts.sync();
    nodes.withdrawals.sync();
    for (const file of leaves.values()) file.sync();
    return { id: request.id, tree: tree.snapshot() };
  }
  const { kind, index } = request;
  const stored = leaves.get(kind);
  if (stored !== undefined && index >= tree.count(kind)) return { id: request.id, missing: true };
  return { id: request.id, root: tree.root(), proof: tree.proof(kind, index), leaf: stored?.read(index) };
}

parentPort?.on("message", (request: RootRequest) => parentPort?.postMessage(answer(request)));
