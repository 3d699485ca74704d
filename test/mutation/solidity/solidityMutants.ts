import type { Mutant } from "../Mutant.ts";
import { solidityChannelMutants } from "./channelMutants.ts";
import { inFile } from "../Mutant.ts";

/** Altered Solidity: what only a lying prover meets, and rules whose mistakes would cost money. Files lie below `contracts/`. */
export const solidityMutants: readonly Mutant[] = [
  ...inFile("libraries/transition/Step.sol", [
    ["N-1", "if or(or(mload(at), mload(add(at, 32))), or(mload(add(at, 64)), mload(add(at, 96)))) { hash := keccak256(at, 129) }", "hash := keccak256(at, 129)"],
    ["N-2", "mstore8(add(b, 128), kind)", "mstore8(add(b, 128), 0)"],
    ["N-3", "mstore8(add(b, 128), TAG_ROOT)", ""],
    ["N-4", "if (siblings.length != 3 * levels) revert IOneStepProver.BadSiblings(place, siblings.length, 3 * levels);", ""],
    ["N-4", "if (depth == 0 || index >> (2 * depth) != 0)", "if (depth == 0)"],
    ["N-4", "if (before != root) revert IOneStepProver.BadRoot(i, before, root);", ""],
    ["N-4", "if (step.used != count) revert IOneStepProver.BadLeafCount(step.used, count);", ""],
    ["N-4", "if (next.index != index || next.kind != kind)", "if (next.kind != kind)"],
    ["N-4", "if (next.index != index || next.kind != kind)", "if (next.index != index)"],
    ["RC-2", "if (count == 1 << (2 * DEPTH_RECEIPT)) return;", ""],
  ]),
  ...inFile("libraries/SlotReader.sol", [
    ["B-1", "if (root != dataRoot) revert IOneStepProver.BadDataRoot(root, dataRoot);", ""],
    ["B-1", "if (siblings.length != 3 * levels) revert IOneStepProver.BadSiblings(place, siblings.length, 3 * levels);", ""],
  ]),
  ...inFile("root/ProverBase.sol", [
    ["B-2", "if (given != expected) revert BadBatch(index, given, expected);", ""],
    ["B-3", "if (given != expected) revert BadEntry(index, given, expected);", ""],
  ]),
  ...inFile("root/OneStepProver.sol", [["M-1", ">= env.batchEnd) return;", "> env.batchEnd) return;"]]),
  ...inFile("libraries/CompactSignature.sol", [["B-5", "if (s > HALF_ORDER) return address(0);", ""]]),
  ...inFile("libraries/transition/Header.sol", [
    ["H-2", "if (nonce != agent.get(AGENT_NONCE)) return SIGNER_NONE;", ""],
    ["H-4", "&& isLive ? SIGNER_SESSION", "? SIGNER_SESSION"],
    ["H-4", "if (recovered == owner) return SIGNER_OWNER;", "return SIGNER_OWNER;"],
  ]),
  ...inFile("libraries/transition/Money.sol", [
    ["R-3", "if (cap < taken) taken = cap;", ""],
    ["R-5", "if (amount > balance) return E_BALANCE;", "if (amount > balance + 1) return E_BALANCE;"],
    ["R-5", "if (amount > cap) return E_SESSION_CAP;", ""],
  ]),
  ...inFile("libraries/transition/Slots.sol", [["R-7", "id != 0 && leaf.get(ID) == id", "leaf.get(ID) == id"]]),
  ...inFile("libraries/transition/Timeout.sol", [["TO-4", "if (step.l2Time <= call.get(INVOCATION_REVIEW_TIME)) return E_NOT_DUE;", ""]]),
  ...solidityChannelMutants,
  ...inFile("libraries/transition/Withdraw.sol", [["WD-1", "if (step.signer != SIGNER_OWNER) return E_OWNER_ONLY;", ""]]),
];
