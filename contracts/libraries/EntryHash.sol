// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The one word that stands for a queue entry (RULES B-3):
///
///     | 255 ............ 40 | 39 .. 32 | 31 ..... 0 |
///     | hash (216 bits)     | slots    | dueTime    |
///
/// A collision of 216 bits takes 2^108 hashes, and needs two entries of the attacker's own with the same slots and due time.
library EntryHash {
    uint256 private constant HASH_MASK = type(uint256).max << 40;

    function compute(
        uint8 kind,
        address sender,
        address account,
        uint64 value,
        uint32 slots,
        bytes32 dataRoot,
        uint32 dueTime
    ) internal pure returns (bytes32) {
        uint256 hash = uint256(keccak256(abi.encode(kind, sender, account, value, slots, dataRoot, dueTime)));
        return bytes32((hash & HASH_MASK) | (uint256(uint8(slots)) << 32) | dueTime);
    }

    function slotsOf(bytes32 entryHash) internal pure returns (uint32) {
        return uint8(uint256(entryHash) >> 32);
    }

    function dueTimeOf(bytes32 entryHash) internal pure returns (uint32) {
        return uint32(uint256(entryHash));
    }
}
