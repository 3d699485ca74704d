// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The second word of a channel: what is recorded under its version, in the order of `Recorded`. Zero: nothing.
///
///     | locks of B | locks of A | paidByB | sequenceB | paidByA | sequenceA |
///     |     16     |     16     |   56    |    56     |   56    |    56     |
type RecordWord is uint256;

using RecordWordLibrary for RecordWord global;

/// @title Fields of a channel's second word
library RecordWordLibrary {
    uint256 private constant SIDE_BITS = 112;
    uint256 private constant NUMBER_BITS = 56;
    uint256 private constant NUMBER_MASK = (1 << NUMBER_BITS) - 1;
    uint256 private constant SIDE_MASK = (1 << SIDE_BITS) - 1;
    uint256 private constant LOCKS = 2 * SIDE_BITS;

    function sequence(RecordWord word, uint256 side) internal pure returns (uint64) {
        return uint64(RecordWord.unwrap(word) >> (SIDE_BITS * side) & NUMBER_MASK);
    }

    function paid(RecordWord word, uint256 side) internal pure returns (uint64) {
        return uint64(RecordWord.unwrap(word) >> (SIDE_BITS * side + NUMBER_BITS) & NUMBER_MASK);
    }

    function hasLocks(RecordWord word, uint256 side) internal pure returns (bool) {
        return RecordWord.unwrap(word) & (1 << (LOCKS + 16 * side)) != 0;
    }

    /// The start of a version: its totals, no vouchers. All numbers are at most MAX_UNITS, which the caller has checked.
    function create(uint64 paidByA, uint64 paidByB) internal pure returns (RecordWord) {
        return RecordWord.wrap(uint256(paidByA) << NUMBER_BITS | uint256(paidByB) << (SIDE_BITS + NUMBER_BITS));
    }

    /// With a newer voucher of a side. The numbers as in `create`.
    function withVoucher(RecordWord word, uint256 side, uint64 sequence_, uint64 paid_, bool hasLocks_)
        internal
        pure
        returns (RecordWord)
    {
        uint256 shift = SIDE_BITS * side;
        uint256 flag = 1 << (LOCKS + 16 * side);
        uint256 cleared = RecordWord.unwrap(word) & ~(SIDE_MASK << shift | flag);
        uint256 numbers = uint256(sequence_) | uint256(paid_) << NUMBER_BITS;
        return RecordWord.wrap(cleared | numbers << shift | (hasLocks_ ? flag : 0));
    }

    /// Without the flags of the locks, as it stays after the close.
    function withoutLocks(RecordWord word) internal pure returns (RecordWord) {
        return RecordWord.wrap(RecordWord.unwrap(word) & (1 << LOCKS) - 1);
    }
}
