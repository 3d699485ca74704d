// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelStatus} from "../interfaces/IChannelAdjudicator.sol";

/// The first word of a channel, see `ChannelState`. Zero: there is none.
///
///     | netB | netA | withdrawalNonce | version | deadline | isUnilateral | isExtended | status |
///     |  64  |  64  |       32        |   32    |    40    |      1       |     1      |   6    |
type ChannelWord is uint256;

using ChannelWordLibrary for ChannelWord global;

/// @title Fields of a channel's first word
library ChannelWordLibrary {
    uint256 private constant STATUS_MASK = 0x3f;
    uint256 private constant EXTENDED = 1 << 6;
    uint256 private constant UNILATERAL = 1 << 7;
    uint256 private constant DEADLINE = 8;
    uint256 private constant VERSION = 48;
    uint256 private constant NONCE = 80;
    uint256 private constant NET_A = 112;
    uint256 private constant NETS_MASK = (1 << NET_A) - 1;

    function status(ChannelWord word) internal pure returns (ChannelStatus) {
        return ChannelStatus(ChannelWord.unwrap(word) & STATUS_MASK);
    }

    function isExtended(ChannelWord word) internal pure returns (bool) {
        return ChannelWord.unwrap(word) & EXTENDED != 0;
    }

    function isUnilateral(ChannelWord word) internal pure returns (bool) {
        return ChannelWord.unwrap(word) & UNILATERAL != 0;
    }

    function deadline(ChannelWord word) internal pure returns (uint40) {
        return uint40(ChannelWord.unwrap(word) >> DEADLINE);
    }

    function version(ChannelWord word) internal pure returns (uint32) {
        return uint32(ChannelWord.unwrap(word) >> VERSION);
    }

    function withdrawalNonce(ChannelWord word) internal pure returns (uint32) {
        return uint32(ChannelWord.unwrap(word) >> NONCE);
    }

    /// In units, less than 2^53 either way.
    function net(ChannelWord word, uint256 side) internal pure returns (int256) {
        return int64(uint64(ChannelWord.unwrap(word) >> (NET_A + 64 * side)));
    }

    /// What the channel holds: never negative.
    function held(ChannelWord word) internal pure returns (int256) {
        unchecked {
            return word.net(0) + word.net(1);
        }
    }

    function create(ChannelStatus status_, int256 netA, int256 netB) internal pure returns (ChannelWord) {
        return ChannelWord.wrap(uint256(status_)).withNets(netA, netB);
    }

    /// Both must fit 64 bits with a sign: the caller keeps them within MAX_UNITS.
    function withNets(ChannelWord word, int256 netA, int256 netB) internal pure returns (ChannelWord) {
        uint256 nets = uint256(uint64(int64(netA))) << NET_A | uint256(uint64(int64(netB))) << (NET_A + 64);
        return ChannelWord.wrap(ChannelWord.unwrap(word) & NETS_MASK | nets);
    }

    function withVersion(ChannelWord word, uint32 version_) internal pure returns (ChannelWord) {
        uint256 cleared = ChannelWord.unwrap(word) & ~(uint256(type(uint32).max) << VERSION);
        return ChannelWord.wrap(cleared | uint256(version_) << VERSION);
    }

    function withNonce(ChannelWord word, uint32 nonce) internal pure returns (ChannelWord) {
        uint256 cleared = ChannelWord.unwrap(word) & ~(uint256(type(uint32).max) << NONCE);
        return ChannelWord.wrap(cleared | uint256(nonce) << NONCE);
    }

    /// CLOSING since now.
    function closing(ChannelWord word, uint40 deadline_) internal pure returns (ChannelWord) {
        return word._withLow(uint256(ChannelStatus.CLOSING) | UNILATERAL, deadline_);
    }

    function extended(ChannelWord word, uint40 deadline_) internal pure returns (ChannelWord) {
        return word._withLow(uint256(ChannelStatus.CLOSING) | UNILATERAL | EXTENDED, deadline_);
    }

    /// CLOSED because one side asked for it: flags and deadline stay.
    function closed(ChannelWord word) internal pure returns (ChannelWord) {
        uint256 kept = ChannelWord.unwrap(word) & NETS_MASK & ~STATUS_MASK;
        return ChannelWord.wrap(kept | uint256(ChannelStatus.CLOSED));
    }

    /// CLOSED because both agreed.
    function closedByBoth(ChannelWord word) internal pure returns (ChannelWord) {
        return ChannelWord.wrap(ChannelWord.unwrap(word) & NETS_MASK)._withLow(uint256(ChannelStatus.CLOSED), 0);
    }

    function _withLow(ChannelWord word, uint256 low, uint40 deadline_) internal pure returns (ChannelWord) {
        uint256 cleared = ChannelWord.unwrap(word) >> VERSION << VERSION;
        return ChannelWord.wrap(cleared | uint256(deadline_) << DEADLINE | low);
    }
}
