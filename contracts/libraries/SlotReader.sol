// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CHUNK_SLOTS, SLOT_BYTES} from "../generated/Constants.sol";
import {IOneStepProver, SlotOpening} from "../interfaces/IOneStepProver.sol";
import {Words} from "../types/Words.sol";

/// @title One slot of batch data, opened from its chunk (B-1)
library SlotReader {
    /// @param index the slot, below `slots`
    /// @param slots slots of the data; the number of chunks and the depth of their tree follow from it
    /// @return record the slot's three words, in fresh memory
    function read(SlotOpening calldata opening, uint256 index, uint256 slots, bytes32 dataRoot)
        internal
        pure
        returns (Words record)
    {
        uint256 chunk = index / CHUNK_SLOTS;
        bytes calldata data = opening.chunk;
        uint256 left = index < slots ? slots - chunk * CHUNK_SLOTS : 0;
        uint256 expected = (left < CHUNK_SLOTS ? left : CHUNK_SLOTS) * SLOT_BYTES;
        if (expected == 0 || data.length != expected) revert IOneStepProver.BadChunk(index, slots, data.length);

        bytes32 root = _rootOf(keccak256(data), chunk, (slots + CHUNK_SLOTS - 1) / CHUNK_SLOTS, opening.siblings);
        if (root != dataRoot) revert IOneStepProver.BadDataRoot(root, dataRoot);
        uint256 offset = (index % CHUNK_SLOTS) * SLOT_BYTES;
        assembly ("memory-safe") {
            record := mload(0x40)
            mstore(0x40, add(record, 96))
            calldatacopy(record, add(data.offset, offset), 96)
        }
    }

    function _rootOf(bytes32 node, uint256 place, uint256 chunks, bytes32[] calldata siblings) private pure returns (bytes32) {
        uint256 levels;
        while (1 << (2 * levels) < chunks) ++levels;
        if (siblings.length != 3 * levels) revert IOneStepProver.BadSiblings(place, siblings.length, 3 * levels);
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(add(buffer, 128), 0)
            let source := siblings.offset
            for {} levels { levels := sub(levels, 1) } {
                let position := shl(5, and(place, 3))
                place := shr(2, place)
                calldatacopy(buffer, source, position)
                mstore(add(buffer, position), node)
                calldatacopy(add(add(buffer, position), 32), add(source, position), sub(96, position))
                // A chunk's hash is never zero, so no node on its path is.
                node := keccak256(buffer, 129)
                source := add(source, 96)
            }
        }
        return node;
    }
}
