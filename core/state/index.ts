export { AddressDirectory } from "./AddressDirectory.ts";
export { LeafStore } from "./LeafStore.ts";
export type { DirtyLeaves, TouchObserver } from "./LeafStore.ts";
export { createState, State } from "./State.ts";
export type { StateSnapshot } from "./State.ts";
export { createStateTree, StateTree } from "./StateTree.ts";
export type { StateTreeOptions, StateTreeSnapshot } from "./StateTree.ts";
