// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DEPTHS} from "../../../contracts/generated/Constants.sol";
import {LeafOpening} from "../../../contracts/interfaces/IOneStepProver.sol";
import {Words} from "../../../contracts/types/Words.sol";

struct Leaf {
    uint256 kind;
    uint256 index;
    bytes32[4] words;
}

/// All leaves that are not zero, in no order.
struct State {
    Leaf[] leaves;
}

using NaiveState for State global;

/// @title The state tree as N-1 to N-4 say it, built anew for every question: slow and plain
library NaiveState {
    function get(State memory state, uint256 kind, uint256 index) internal pure returns (bytes32[4] memory words) {
        for (uint256 i = 0; i < state.leaves.length; ++i) {
            Leaf memory leaf = state.leaves[i];
            if (leaf.kind == kind && leaf.index == index) return leaf.words;
        }
    }

    function set(State memory state, uint256 kind, uint256 index, Words words) internal pure {
        bytes32[4] memory copy = wordsOf(words);
        for (uint256 i = 0; i < state.leaves.length; ++i) {
            Leaf memory leaf = state.leaves[i];
            if (leaf.kind != kind || leaf.index != index) continue;
            leaf.words = copy;
            return;
        }
        Leaf[] memory more = new Leaf[](state.leaves.length + 1);
        for (uint256 i = 0; i < state.leaves.length; ++i) more[i] = state.leaves[i];
        more[state.leaves.length] = Leaf(kind, index, copy);
        state.leaves = more;
    }

    function root(State memory state) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(group(state, 0), group(state, 1), group(state, 2), group(state, 3), uint8(255)));
    }

    /// The leaf as it is, with its path.
    function open(State memory state, uint256 kind, uint256 index) internal pure returns (LeafOpening memory opening) {
        opening.kind = uint8(kind);
        opening.index = uint64(index);
        opening.words = get(state, kind, index);
        uint256 depth = depthOf(kind);
        opening.siblings = new bytes32[](3 * (depth + 2));
        uint256 next = 0;
        for (uint256 level = 0; level < depth; ++level) {
            uint256 own = index >> (2 * level);
            for (uint256 i = own & ~uint256(3); i <= own | 3; ++i) {
                if (i != own) opening.siblings[next++] = nodeAt(state, kind, level, i);
            }
        }
        for (uint256 i = kind & ~uint256(3); i <= kind | 3; ++i) {
            if (i != kind) opening.siblings[next++] = subtree(state, i);
        }
        for (uint256 i = 0; i < 4; ++i) {
            if (i != kind >> 2) opening.siblings[next++] = group(state, i);
        }
    }

    function group(State memory state, uint256 place) internal pure returns (bytes32) {
        uint256 first = 4 * place;
        return
            node(subtree(state, first), subtree(state, first + 1), subtree(state, first + 2), subtree(state, first + 3), 0);
    }

    function subtree(State memory state, uint256 kind) internal pure returns (bytes32) {
        uint256 depth = depthOf(kind);
        return depth == 0 ? bytes32(0) : nodeAt(state, kind, depth, 0);
    }

    function nodeAt(State memory state, uint256 kind, uint256 level, uint256 index) internal pure returns (bytes32) {
        if (level == 0) {
            bytes32[4] memory words = get(state, kind, index);
            return node(words[0], words[1], words[2], words[3], uint8(kind));
        }
        if (!_hasLeaf(state, kind, level, index)) return 0;
        uint256 first = 4 * index;
        return node(
            nodeAt(state, kind, level - 1, first),
            nodeAt(state, kind, level - 1, first + 1),
            nodeAt(state, kind, level - 1, first + 2),
            nodeAt(state, kind, level - 1, first + 3),
            0
        );
    }

    function node(bytes32 a, bytes32 b, bytes32 c, bytes32 d, uint8 tag) internal pure returns (bytes32) {
        if (a | b | c | d == 0) return 0;
        return keccak256(abi.encodePacked(a, b, c, d, tag));
    }

    function depthOf(uint256 kind) internal pure returns (uint256) {
        return kind > 31 ? 0 : (DEPTHS >> (8 * kind)) & 0xff;
    }

    function wordsOf(Words words) internal pure returns (bytes32[4] memory copy) {
        assembly ("memory-safe") {
            mcopy(copy, words, 128)
        }
    }

    function _hasLeaf(State memory state, uint256 kind, uint256 level, uint256 index) private pure returns (bool) {
        for (uint256 i = 0; i < state.leaves.length; ++i) {
            Leaf memory leaf = state.leaves[i];
            if (leaf.kind == kind && leaf.index >> (2 * level) == index) return true;
        }
        return false;
    }
}
