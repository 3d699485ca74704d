import { fromHex, toHex } from "../core/codec/hex.ts";
import { DEPTH, KIND, LEAF_BYTES, TAG_ROOT, TOP_DEPTH } from "../core/generated/protocol.ts";
import { hashNode, keccak256 } from "../core/hash/index.ts";
import { computeRoot } from "../core/state/tree/verifyProof.ts";
import { decodeLeaf } from "../core/codec/leaf.ts";
import type { Json } from "./HttpService.ts";
import { sdkError } from "./SdkError.ts";
import { asJson, listField, numberField, textField } from "./state.ts";

const HASH_BYTES = 32;
const LEVEL_BYTES = 96;
const ARITY = 4;

/** A kind of leaf: its name in the specification. */
export type LeafKind = keyof typeof KIND & keyof typeof DEPTH;

/**
 * The state root that a leaf and its proof lead to (RULES N-1 to N-4).
 * @returns undefined when leaf, index or proof are not of that kind of leaf
 */
export function stateRootOf(kind: LeafKind, index: number, leaf: Uint8Array, proof: Uint8Array): string | undefined {
  const depth = DEPTH[kind];
  if (leaf.length !== LEAF_BYTES || proof.length !== LEVEL_BYTES * (depth + TOP_DEPTH)) return undefined;
  if (!Number.isSafeInteger(index) || index < 0 || index >= ARITY ** depth) return undefined;
  const hash = new Uint8Array(HASH_BYTES);
  if (leaf.some((byte) => byte !== 0)) hashNode(leaf, 0, KIND[kind], hash, 0);
  const subtree = computeRoot(hash, index, depth, proof.subarray(0, LEVEL_BYTES * depth));
  const group = computeRoot(subtree, KIND[kind] % ARITY, 1, proof.subarray(LEVEL_BYTES * depth, LEVEL_BYTES * (depth + 1)));
  const siblings = proof.subarray(LEVEL_BYTES * (depth + 1));
  const place = Math.floor(KIND[kind] / ARITY);
  const node = new Uint8Array(ARITY * HASH_BYTES + 1);
  node.set(siblings.subarray(0, HASH_BYTES * place));
  node.set(group, HASH_BYTES * place);
  node.set(siblings.subarray(HASH_BYTES * place), HASH_BYTES * (place + 1));
  node[ARITY * HASH_BYTES] = TAG_ROOT;
  return toHex(keccak256(node));
}

/** A leaf with a proof that was checked. Whether `stateRoot` is the chain's is for who asks to know: a signed or a confirmed one is. */
export interface ProvenLeaf {
  readonly kind: LeafKind;
  readonly index: number;
  /** As the specification names them; bytes as hex. */
  readonly fields: Readonly<Record<string, number | string>>;
  /** Four words of 32 bytes as hex, and three siblings a level. */
  readonly leaf: readonly string[];
  readonly siblings: readonly string[];
  readonly stateRoot: string;
  /** The state after so many batches. */
  readonly batchCount: number;
}

function wordsField(json: Json, name: string): { words: readonly string[]; bytes: Uint8Array } {
  const words = listField(json, name).map(String);
  if (!words.every((word) => /^0x[0-9a-fA-F]{64}$/.test(word))) throw sdkError("SDK_RESPONSE", `${name} is no list of 32-byte words`, { name });
  return { words, bytes: fromHex(`0x${words.map((word) => word.slice(2)).join("")}`) };
}

/**
 * A replica's answer about a leaf.
 * @throws SdkError `SDK_BAD_PROOF` when it is not of that leaf or does not lead to its root; `SDK_RESPONSE`
 */
export function checkProof(answer: unknown, kind: LeafKind, index: number): ProvenLeaf {
  const json = asJson(answer);
  const leaf = wordsField(json, "leaf");
  const siblings = wordsField(json, "siblings");
  const stateRoot = textField(json, "stateRoot").toLowerCase();
  const isAsked = numberField(json, "kind") === KIND[kind] && numberField(json, "index") === index;
  if (!isAsked || stateRootOf(kind, index, leaf.bytes, siblings.bytes) !== stateRoot) throw sdkError("SDK_BAD_PROOF", `${kind} ${index} is not in the state ${stateRoot.slice(0, 66)}`, { kind, index });
  const fields = kind === "SYSTEM" ? {} : decodeLeaf(kind, leaf.bytes);
  return {
    kind,
    index,
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === "number" ? value : toHex(value)])),
    leaf: leaf.words,
    siblings: siblings.words,
    stateRoot,
    batchCount: numberField(json, "batchCount"),
  };
}

/** A withdrawal, proven in the state of a claim. Whether that claim is confirmed on L1, and with that state, is for L1 to say. */
export interface ConfirmedProof extends ProvenLeaf {
  readonly claimId: string;
}

/**
 * A replica's answer about a withdrawal.
 * @throws SdkError `SDK_BAD_PROOF`, `SDK_RESPONSE`
 */
export function checkWithdrawalProof(json: Json, index: number): ConfirmedProof {
  const claimId = textField(json, "claimId");
  if (!/^0x[0-9a-fA-F]{64}$/.test(claimId)) throw sdkError("SDK_RESPONSE", "claimId is no 32 bytes", { index });
  return { ...checkProof(json["proof"], "WITHDRAWAL", index), claimId };
}
