// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DEPTH_INVOCATION, E_REFERENCE, KIND_INVOCATION} from "../../generated/Constants.sol";
import {
    ALLOCATOR_INVOCATION_FREE_HEAD,
    ALLOCATOR_INVOCATION_NEXT_ID,
    ALLOCATOR_INVOCATION_NEXT_SLOT,
    INVOCATION_ID,
    INVOCATION_REQUESTER
} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Step} from "./Step.sol";

/// @title Reusable slots of calls, workflows and sessions (R-7, R-8, R-9)
library Slots {
    // Fields that all three kinds have at the same place, and in ALLOCATOR one word apart.
    uint256 private constant ID = INVOCATION_ID;
    uint256 private constant FREE_LINK = INVOCATION_REQUESTER;
    uint256 private constant SLOTS = 1 << (2 * DEPTH_INVOCATION);

    /// The ALLOCATOR fields of a kind: those of INVOCATION, so many words on.
    function _field(uint256 kind, uint256 field) private pure returns (uint256) {
        return field + ((kind - KIND_INVOCATION) << 29);
    }

    /// R-7: false for E_REFERENCE.
    function find(Step memory step, uint256 kind, uint256 slot, uint256 id) internal pure returns (bool, Words leaf) {
        if (slot >= SLOTS) return (false, leaf);
        leaf = step.touch(kind, slot);
        return (id != 0 && leaf.get(ID) == id, leaf);
    }

    /// R-8: ALLOCATOR must have been touched.
    function isFull(Step memory step, uint256 kind) internal pure returns (bool) {
        Words allocator = step.allocator();
        return allocator.get(_field(kind, ALLOCATOR_INVOCATION_FREE_HEAD)) == 0
            && allocator.get(_field(kind, ALLOCATOR_INVOCATION_NEXT_SLOT)) == SLOTS;
    }

    /// R-8: the leaf is zero but for its id.
    function allocate(Step memory step, uint256 kind) internal pure returns (Words leaf, uint256 slot, uint256 id) {
        Words allocator = step.allocator();
        uint256 freeHead = allocator.get(_field(kind, ALLOCATOR_INVOCATION_FREE_HEAD));
        if (freeHead != 0) {
            slot = freeHead - 1;
            leaf = step.touch(kind, slot);
            allocator.set(_field(kind, ALLOCATOR_INVOCATION_FREE_HEAD), leaf.get(FREE_LINK));
            leaf.set(FREE_LINK, 0);
        } else {
            slot = allocator.get(_field(kind, ALLOCATOR_INVOCATION_NEXT_SLOT));
            leaf = step.touch(kind, slot);
            allocator.set(_field(kind, ALLOCATOR_INVOCATION_NEXT_SLOT), slot + 1);
        }
        id = allocator.get(_field(kind, ALLOCATOR_INVOCATION_NEXT_ID)) + 1;
        allocator.set(_field(kind, ALLOCATOR_INVOCATION_NEXT_ID), id);
        leaf.set(ID, id);
    }

    /// R-9
    function free(Step memory step, uint256 kind, Words leaf, uint256 slot) internal pure {
        Words allocator = step.allocator();
        leaf.clear();
        leaf.set(FREE_LINK, allocator.get(_field(kind, ALLOCATOR_INVOCATION_FREE_HEAD)));
        allocator.set(_field(kind, ALLOCATOR_INVOCATION_FREE_HEAD), slot + 1);
    }
}
