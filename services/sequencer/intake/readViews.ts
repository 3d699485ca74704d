import { decodeLeaf } from "../../../core/codec/leaf.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { CHANNEL_STATUS, INVOCATION_STATUS, KIND, WORKFLOW_STATUS } from "../../../core/generated/protocol.ts";
import type { LeafName } from "../../../core/generated/protocol.ts";
import type { State } from "../../../core/state/index.ts";

type View = Record<string, unknown>;

function readLeaf(leaf: LeafName, bytes: Uint8Array): Record<string, number | string> {
  const fields = decodeLeaf(leaf, bytes);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === "number" ? value : toHex(value)]));
}

const nameIn = (table: Readonly<Record<string, number>>, value: number): string => (Object.keys(table).find((name) => table[name] === value) ?? String(value)).toLowerCase();

/** An account as the API shows it; null if there is none with that index. */
export function viewAgent(state: State, index: number): View | null {
  if (index < 1 || index >= state.agents.count) return null;
  const fields = readLeaf("AGENT", state.leaf(KIND.AGENT, index));
  const entry = readLeaf("DIRECTORY", state.leaf(KIND.DIRECTORY, index));
  const hasKey = !/^0x0+$/.test(String(fields["sessionKey"]));
  return {
    index,
    owner: fields["owner"],
    nonce: fields["nonce"],
    balance: fields["balance"],
    earned: fields["earned"],
    made: fields["made"],
    served: fields["served"],
    failed: fields["failed"],
    disputed: fields["disputed"],
    ratingCount: fields["ratingCount"],
    ratingSum: fields["ratingSum"],
    erc8004Id: fields["linkedId"] === 0 ? null : Number(fields["linkedId"]) - 1,
    sessionKey: hasKey ? { address: fields["sessionKey"], expiry: fields["sessionExpiry"], cap: fields["sessionCap"] } : null,
    capabilitiesHash: entry["capabilitiesHash"],
    pricesHash: entry["pricesHash"],
  };
}

/** The call in a slot; null if the slot is free. */
export function viewCall(state: State, slot: number): View | null {
  const fields = readLeaf("INVOCATION", state.leaf(KIND.INVOCATION, slot));
  if (fields["status"] === INVOCATION_STATUS.FREE) return null;
  return { slot, ...fields, status: nameIn(INVOCATION_STATUS, fields["status"] as number) };
}

/** The workflow in a slot; null if the slot is free. */
export function viewWorkflow(state: State, slot: number): View | null {
  const fields = readLeaf("WORKFLOW", state.leaf(KIND.WORKFLOW, slot));
  if (fields["status"] === WORKFLOW_STATUS.FREE) return null;
  return { slot, ...fields, status: nameIn(WORKFLOW_STATUS, fields["status"] as number) };
}

/** The channel in a slot with its leaf as the state has it, and who its parties are; null if the slot is free. */
export function viewChannel(state: State, slot: number): View | null {
  const leaf = state.leaf(KIND.CHANNEL, slot);
  const fields = readLeaf("CHANNEL", leaf);
  if (fields["status"] === CHANNEL_STATUS.FREE) return null;
  const ownerOf = (side: "a" | "b"): unknown => readLeaf("AGENT", state.leaf(KIND.AGENT, fields[side] as number))["owner"];
  return { slot, ...fields, status: nameIn(CHANNEL_STATUS, fields["status"] as number), ownerA: ownerOf("a"), ownerB: ownerOf("b"), leaf: toHex(leaf) };
}

/** The fields of a receipt or withdrawal. */
export function viewLeaf(leaf: "RECEIPT" | "WITHDRAWAL", bytes: Uint8Array): View {
  return readLeaf(leaf, bytes);
}
