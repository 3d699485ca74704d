// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Words in memory: the four of a leaf, or the three of a slot. A field is a constant of `contracts/generated/`:
///
///     | byte offset of its word | shift | bits |
///     |         12 bits         |  12   |  12  |
type Words is uint256;

using WordsLibrary for Words global;

/// @title Fields of packed words
library WordsLibrary {
    /// Four fresh words, zero.
    function create() internal pure returns (Words words) {
        assembly ("memory-safe") {
            words := mload(0x40)
            mstore(0x40, add(words, 128))
            calldatacopy(words, calldatasize(), 128)
        }
    }

    function get(Words words, uint256 field) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(and(shr(12, field), 0xfff), mload(add(words, shr(24, field))))
            value := and(value, sub(shl(and(field, 0xfff), 1), 1))
        }
    }

    /// `value` must fit the field: every caller's does, as counters saturate and amounts stay below the supply bound.
    function set(Words words, uint256 field, uint256 value) internal pure {
        assembly ("memory-safe") {
            let at := add(words, shr(24, field))
            let shift := and(shr(12, field), 0xfff)
            let mask := shl(shift, sub(shl(and(field, 0xfff), 1), 1))
            mstore(at, or(and(mload(at), not(mask)), and(shl(shift, value), mask)))
        }
    }

    /// Adds one to a 32-bit counter, which saturates (R-6).
    function increment(Words words, uint256 field) internal pure {
        uint256 value = get(words, field);
        if (value != type(uint32).max) set(words, field, value + 1);
    }

    function clear(Words words) internal pure {
        assembly ("memory-safe") {
            calldatacopy(words, calldatasize(), 128)
        }
    }
}
