// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TAG_ROOT, TOP_DEPTH} from "../generated/Constants.sol";

/// Merkle proofs of single leaves against a state root (RULES N-1 to N-4).
library StateProof {
    /// A proof has three siblings a level.
    error ProofLength(uint256 length, uint256 expected);
    error LeafIndex(uint256 index, uint256 depth);

    /// The state root under which `leaf` is leaf `index` of the subtree of `kind`, which has `depth` levels.
    /// Above the subtrees there are two more: group and top.
    function rootOf(
        uint256 kind,
        uint256 depth,
        uint256 index,
        bytes32[4] calldata leaf,
        bytes32[] calldata siblings
    ) internal pure returns (bytes32 root) {
        uint256 levels = depth + TOP_DEPTH;
        if (siblings.length != 3 * levels) revert ProofLength(siblings.length, 3 * levels);
        if (index >> (2 * depth) != 0) revert LeafIndex(index, depth);
        // Below the subtree's root the path is the index, above it the kind.
        uint256 path = index | (kind << (2 * depth));
        assembly ("memory-safe") {
            let node := mload(0x40)
            calldatacopy(node, leaf, 128)
            mstore8(add(node, 128), kind)
            switch or(or(mload(node), mload(add(node, 32))), or(mload(add(node, 64)), mload(add(node, 96))))
            case 0 { root := 0 }
            default { root := keccak256(node, 129) }

            mstore8(add(node, 128), 0)
            let source := siblings.offset
            for { let level := 0 } lt(level, levels) { level := add(level, 1) } {
                let position := shl(5, and(path, 3))
                path := shr(2, path)
                // The siblings before the node stay where they are, those after it move one place on.
                calldatacopy(node, source, position)
                mstore(add(node, position), root)
                calldatacopy(add(add(node, position), 32), add(source, position), sub(96, position))
                source := add(source, 96)
                switch sub(levels, level)
                case 1 {
                    mstore8(add(node, 128), TAG_ROOT)
                    root := keccak256(node, 129)
                }
                default {
                    switch or(or(mload(node), mload(add(node, 32))), or(mload(add(node, 64)), mload(add(node, 96))))
                    case 0 { root := 0 }
                    default { root := keccak256(node, 129) }
                }
            }
        }
    }
}
