export { AppendTree } from "./AppendTree.ts";
export type { AppendTreeOptions } from "./AppendTree.ts";
export { computeAppendProof, computeAppendRoot } from "./appendProof.ts";
export type { AppendTreeView } from "./appendProof.ts";
export { DenseTree } from "./DenseTree.ts";
export type { DenseTreeOptions } from "./DenseTree.ts";
export { MemoryNodeStore } from "./MemoryNodeStore.ts";
export type { NodeSink, NodeSource, NodeStore } from "./NodeStore.ts";
export { computeRoot, isProofValid } from "./verifyProof.ts";
