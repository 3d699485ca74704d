// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// How long a dispute can last (docs/DISPUTES.md, section 4). All times in seconds.
library DisputeTimes {
    /// A trace has fewer than 2^64 steps: halving it takes at most 64 moves, the proof is one more.
    uint256 private constant MOVES_OF_HALVING = 65;

    /// M: no player moves more often in one game, however long the trace. Generous: the two take turns, so each has about half.
    /// @param k parts of a bisection, at least 2
    function maxMoves(uint256 k) internal pure returns (uint256) {
        uint256 bits;
        while (k >> (bits + 1) != 0) ++bits;
        return (MOVES_OF_HALVING + bits - 1) / bits;
    }

    /// W + D + 2C: by then every dispute about an epoch is over, counted from its round's first claim.
    /// @param window W, in which rivals may be made
    /// @param join D, in which claims may be backed after that
    /// @param clock C0, a player's time in one game
    /// @param increment e, what every own move adds to it
    function disputeBound(uint256 window, uint256 join, uint256 clock, uint256 increment, uint256 k)
        internal
        pure
        returns (uint256)
    {
        return window + join + 2 * (clock + increment * maxMoves(k));
    }
}
