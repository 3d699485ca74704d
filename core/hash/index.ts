export { createKeccakEngine, keccakBackend } from "./createKeccakEngine.ts";
export { absorbSlots, absorbSlotsPair, hashNode, hashNodes, keccak256, keccak256Into, keccak256Many } from "./keccak.ts";
export type { SlotList } from "./keccak.ts";
export type { KeccakBackend, KeccakEngine } from "./KeccakEngine.ts";
