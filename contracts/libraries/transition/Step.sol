// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    DEPTHS,
    DEPTH_RECEIPT,
    KIND_DIRECTORY,
    KIND_RECEIPT,
    KIND_SYSTEM,
    LEAF_ALLOCATOR,
    LEAF_REGISTER,
    OK,
    TAG_ROOT,
    TOP_DEPTH
} from "../../generated/Constants.sol";
import {
    DIRECTORY_NEXT_OWNER,
    DIRECTORY_OWNER,
    MACHINE_BATCH_INDEX,
    MACHINE_L2_TIME,
    MACHINE_RECEIPT_COUNT,
    RECEIPT_AGENT,
    RECEIPT_AMOUNT,
    RECEIPT_BATCH_INDEX,
    RECEIPT_CAPABILITY,
    RECEIPT_ID,
    RECEIPT_INDEX,
    RECEIPT_INPUT_HASH,
    RECEIPT_L2_TIME,
    RECEIPT_NONCE,
    RECEIPT_OP,
    RECEIPT_OUTCOME,
    RECEIPT_OUTPUT_HASH,
    RECEIPT_PROVIDER,
    RECEIPT_REQUESTER,
    RECEIPT_SETTLEMENT,
    RECEIPT_SLOT
} from "../../generated/LeafFields.sol";
import {IOneStepProver, LeafOpening} from "../../interfaces/IOneStepProver.sol";
import {Words, WordsLibrary} from "../../types/Words.sol";

/// What an operation works with. `work[i]` is the leaf of `leaves[i]` as the step leaves it.
struct Step {
    LeafOpening[] leaves;
    Words[] work;
    uint256 used;
    Words machine;
    uint256[3] feeTable;
    // What channels are signed for, and exported to.
    address adjudicator;
    bytes32 channelSeparator;
    // The acting agent.
    uint256 agent;
    Words agentLeaf;
    uint256 signer;
    uint256 nonce;
    uint256 index;
    // The record: three words.
    Words record;
    uint256 l2Time;
    // The receipt's fields, zero unless the operation succeeds.
    uint256 settlement;
    uint256 slot;
    uint256 id;
    uint256 amount;
    uint256 requester;
    uint256 provider;
    uint256 capability;
    uint256 inputHash;
    uint256 outputHash;
}

using StepLibrary for Step global;

/// @title Leaves of a step: touched in the order of the rules, proven and written at its end
library StepLibrary {
    /// The working copy of a leaf. A leaf named again is the same one; a new one must be the next of the proof.
    function touch(Step memory step, uint256 kind, uint256 index) internal pure returns (Words) {
        uint256 used = step.used;
        for (uint256 i = 0; i < used; ++i) {
            LeafOpening memory known = step.leaves[i];
            if (known.index == index && known.kind == kind) return step.work[i];
        }
        if (used == step.leaves.length) revert IOneStepProver.BadLeafCount(used + 1, used);
        LeafOpening memory next = step.leaves[used];
        if (next.index != index || next.kind != kind) revert IOneStepProver.BadLeaf(used, kind, index);
        return _open(step, used, next);
    }

    /// OA-2: the directory leaf whose interval holds `owner`; its index comes with the proof.
    function touchLow(Step memory step, address owner) internal pure returns (Words low, uint256 index) {
        // No other directory leaf is named before the low one.
        uint256 used = step.used;
        if (used == step.leaves.length) revert IOneStepProver.BadLeafCount(used + 1, used);
        LeafOpening memory next = step.leaves[used];
        if (next.kind != KIND_DIRECTORY) revert IOneStepProver.BadLeaf(used, KIND_DIRECTORY, next.index);
        low = _open(step, used, next);
        index = next.index;
        uint256 key = uint160(owner);
        uint256 nextOwner = low.get(DIRECTORY_NEXT_OWNER);
        uint256 lowOwner = low.get(DIRECTORY_OWNER);
        // Beyond the sentinel a leaf without an owner is no account: it would seem to hold every interval.
        bool isLow = (lowOwner != 0 || index == 0) && lowOwner <= key && (nextOwner > key || nextOwner == 0);
        if (!isLow) revert IOneStepProver.BadLowLeaf(next.index, owner);
    }

    function allocator(Step memory step) internal pure returns (Words) {
        return touch(step, KIND_SYSTEM, LEAF_ALLOCATOR);
    }

    function register(Step memory step) internal pure returns (Words) {
        return touch(step, KIND_SYSTEM, LEAF_REGISTER);
    }

    /// RC-1 for a record of the acting agent, RC-3 for an entry (nonce and index zero, `id` the entry's).
    function writeReceipt(Step memory step, uint256 op, uint256 outcome, bool isEntry) internal pure {
        uint256 count = step.machine.get(MACHINE_RECEIPT_COUNT);
        if (count == 1 << (2 * DEPTH_RECEIPT)) return; // RC-2
        Words receipt = touch(step, KIND_RECEIPT, count);
        receipt.set(RECEIPT_OP, op);
        receipt.set(RECEIPT_OUTCOME, outcome);
        receipt.set(RECEIPT_AGENT, step.agent);
        receipt.set(RECEIPT_L2_TIME, step.l2Time);
        receipt.set(RECEIPT_BATCH_INDEX, step.machine.get(MACHINE_BATCH_INDEX));
        if (isEntry) {
            receipt.set(RECEIPT_ID, step.id);
            if (outcome == OK) receipt.set(RECEIPT_AMOUNT, step.amount);
        } else {
            receipt.set(RECEIPT_NONCE, step.nonce);
            receipt.set(RECEIPT_INDEX, step.index);
            if (outcome == OK) _writeDetails(step, receipt);
        }
        step.machine.set(MACHINE_RECEIPT_COUNT, count + 1);
    }

    /// Proves every leaf, in order, and writes it: the root after the last is the state after the step.
    function commit(Step memory step, bytes32 root) internal pure returns (bytes32) {
        uint256 count = step.leaves.length;
        if (step.used != count) revert IOneStepProver.BadLeafCount(step.used, count);
        for (uint256 i = 0; i < count; ++i) {
            LeafOpening memory opening = step.leaves[i];
            (bytes32 before, bytes32 next) = _roots(i, opening, step.work[i]);
            if (before != root) revert IOneStepProver.BadRoot(i, before, root);
            root = next;
        }
        return root;
    }

    function _writeDetails(Step memory step, Words receipt) private pure {
        receipt.set(RECEIPT_SETTLEMENT, step.settlement);
        receipt.set(RECEIPT_SLOT, step.slot);
        receipt.set(RECEIPT_ID, step.id);
        receipt.set(RECEIPT_AMOUNT, step.amount);
        receipt.set(RECEIPT_REQUESTER, step.requester);
        receipt.set(RECEIPT_PROVIDER, step.provider);
        receipt.set(RECEIPT_CAPABILITY, step.capability);
        receipt.set(RECEIPT_INPUT_HASH, step.inputHash);
        receipt.set(RECEIPT_OUTPUT_HASH, step.outputHash);
    }

    function _open(Step memory step, uint256 place, LeafOpening memory opening) private pure returns (Words work) {
        work = WordsLibrary.create();
        bytes32[4] memory words = opening.words;
        assembly ("memory-safe") {
            mcopy(work, words, 128)
        }
        step.work[place] = work;
        step.used = place + 1;
    }

    /// The state roots with the leaf as it was and as it is now (N-1 … N-4).
    function _roots(uint256 place, LeafOpening memory opening, Words work) private pure returns (bytes32 before, bytes32 next) {
        (uint256 kind, uint256 index) = (opening.kind, opening.index);
        uint256 depth = kind > 31 ? 0 : (DEPTHS >> (8 * kind)) & 0xff;
        if (depth == 0 || index >> (2 * depth) != 0) revert IOneStepProver.BadIndex(kind, index);
        uint256 levels = depth + TOP_DEPTH;
        bytes32[] memory siblings = opening.siblings;
        if (siblings.length != 3 * levels) revert IOneStepProver.BadSiblings(place, siblings.length, 3 * levels);
        bytes32[4] memory old = opening.words;
        // Below the subtree's root the path is the index, above it the kind.
        uint256 path = index | (kind << (2 * depth));
        assembly ("memory-safe") {
            // Two nodes side by side behind the free pointer: one before the step, one after it.
            let a := mload(0x40)
            let b := add(a, 160)
            function nodeOf(at) -> hash {
                if or(or(mload(at), mload(add(at, 32))), or(mload(add(at, 64)), mload(add(at, 96)))) { hash := keccak256(at, 129) }
            }
            mcopy(a, old, 128)
            mcopy(b, work, 128)
            mstore8(add(a, 128), kind)
            mstore8(add(b, 128), kind)
            before := nodeOf(a)
            next := nodeOf(b)
            mstore8(add(a, 128), 0)
            mstore8(add(b, 128), 0)
            let source := add(siblings, 32)
            for { let level := 1 } lt(level, levels) { level := add(level, 1) } {
                let position := shl(5, and(path, 3))
                path := shr(2, path)
                mcopy(a, source, position)
                mcopy(add(add(a, position), 32), add(source, position), sub(96, position))
                mcopy(b, a, 128)
                mstore(add(a, position), before)
                mstore(add(b, position), next)
                before := nodeOf(a)
                next := nodeOf(b)
                source := add(source, 96)
            }
            // The top is never short-cut to zero (N-3).
            let position := shl(5, and(path, 3))
            mcopy(a, source, position)
            mcopy(add(add(a, position), 32), add(source, position), sub(96, position))
            mcopy(b, a, 128)
            mstore(add(a, position), before)
            mstore(add(b, position), next)
            mstore8(add(a, 128), TAG_ROOT)
            mstore8(add(b, 128), TAG_ROOT)
            before := keccak256(a, 129)
            next := keccak256(b, 129)
        }
    }
}
