// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The second word of a channel: what is recorded under its version, in the order of `Recorded`. Zero: nothing.
///
///     |  -  | peaks | locks of B | locks of A | paidByB | sequenceB | paidByA | sequenceA |
///     | 29  |   1   |     1      |     1      |   56    |    56     |   56    |    56     |
type RecordWord is uint256;

using RecordWordLibrary for RecordWord global;

/// @title Fields of a channel's second word
library RecordWordLibrary {
    uint256 private constant SIDE_BITS = 112;
    uint256 private constant NUMBER_BITS = 56;
    uint256 private constant NUMBER_MASK = (1 << NUMBER_BITS) - 1;
    uint256 private constant SIDE_MASK = (1 << SIDE_BITS) - 1;
    uint256 private constant LOCKS = 2 * SIDE_BITS;
    uint256 private constant PEAKS = 1 << (LOCKS + 2);

    function sequence(RecordWord word, uint256 side) internal pure returns (uint64) {
        return uint64(RecordWord.unwrap(word) >> (SIDE_BITS * side) & NUMBER_MASK);
    }

    function paid(RecordWord word, uint256 side) internal pure returns (uint64) {
        return uint64(RecordWord.unwrap(word) >> (SIDE_BITS * side + NUMBER_BITS) & NUMBER_MASK);
    }

    function hasLocks(RecordWord word, uint256 side) internal pure returns (bool) {
        return RecordWord.unwrap(word) & (1 << (LOCKS + side)) != 0;
    }

    /// Whether less was endorsed than had been recorded: the word of the highest totals is in use.
    function hasPeaks(RecordWord word) internal pure returns (bool) {
        return RecordWord.unwrap(word) & PEAKS != 0;
    }

    function withPeaks(RecordWord word) internal pure returns (RecordWord) {
        return RecordWord.wrap(RecordWord.unwrap(word) | PEAKS);
    }

    /// The start of a version: its totals, no vouchers. All numbers are at most MAX_UNITS, which the caller has checked.
    function create(uint64 paidByA, uint64 paidByB) internal pure returns (RecordWord) {
        return RecordWord.wrap(uint256(paidByA) << NUMBER_BITS | uint256(paidByB) << (SIDE_BITS + NUMBER_BITS));
    }

    /// With another total of a side.
    function withPaid(RecordWord word, uint256 side, uint64 paid_) internal pure returns (RecordWord) {
        uint256 shift = SIDE_BITS * side + NUMBER_BITS;
        return RecordWord.wrap(RecordWord.unwrap(word) & ~(NUMBER_MASK << shift) | uint256(paid_) << shift);
    }

    /// With a newer voucher of a side. The numbers as in `create`.
    function withVoucher(RecordWord word, uint256 side, uint64 sequence_, uint64 paid_, bool hasLocks_)
        internal
        pure
        returns (RecordWord)
    {
        uint256 shift = SIDE_BITS * side;
        uint256 flag = 1 << (LOCKS + side);
        uint256 cleared = RecordWord.unwrap(word) & ~(SIDE_MASK << shift | flag);
        uint256 numbers = uint256(sequence_) | uint256(paid_) << NUMBER_BITS;
        return RecordWord.wrap(cleared | numbers << shift | (hasLocks_ ? flag : 0));
    }

    /// Without the flags of the locks, as it stays after the close.
    function withoutLocks(RecordWord word) internal pure returns (RecordWord) {
        return RecordWord.wrap(RecordWord.unwrap(word) & ~(uint256(3) << LOCKS));
    }
}
