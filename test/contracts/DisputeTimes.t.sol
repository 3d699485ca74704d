// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DisputeTimes} from "../../contracts/libraries/DisputeTimes.sol";

/// The bound of section 4 of docs/DISPUTES.md against the game counted move by move.
contract DisputeTimesTest {
    /// Moves until one step is left of the longest trace: a move lists min(k, n) parts, and the longest of them is denied.
    function _answers(uint256 steps, uint256 k) private pure returns (uint256 answers) {
        while (steps > 1) {
            uint256 parts = k < steps ? k : steps;
            steps = (steps + parts - 1) / parts;
            ++answers;
        }
    }

    function test_maxMoves_isEnoughForTheLongestTrace() public pure {
        for (uint256 k = 2; k <= 64; ++k) {
            uint256 answers = _answers(type(uint64).max, k);
            // The two take turns; to one of them fall an opening, half of the answers, and the proof.
            require(DisputeTimes.maxMoves(k) >= (answers + 1) / 2 + 2, "too few moves");
        }
    }

    function test_maxMoves_forTheUsualParts() public pure {
        require(DisputeTimes.maxMoves(2) == 65 && DisputeTimes.maxMoves(3) == 65, "2");
        require(DisputeTimes.maxMoves(4) == 33 && DisputeTimes.maxMoves(16) == 17 && DisputeTimes.maxMoves(64) == 11, "4");
    }

    function test_disputeBound_ofTheDefaults() public pure {
        require(DisputeTimes.disputeBound(24 hours, 24 hours, 20 hours, 1 hours, 16) == 122 hours, "bound");
    }

    function testFuzz_disputeBound_growsWithEveryTime(uint32 window, uint32 join, uint32 clock, uint32 increment, uint8 parts)
        public
        pure
    {
        uint256 k = 2 + uint256(parts) % 63;
        uint256 bound = DisputeTimes.disputeBound(window, join, clock, increment, k);
        require(bound >= uint256(window) + join + 2 * uint256(clock), "below W + D + 2 C0");
        require(DisputeTimes.disputeBound(uint256(window) + 1, join, clock, increment, k) == bound + 1, "W");
        require(DisputeTimes.disputeBound(window, uint256(join) + 1, clock, increment, k) == bound + 1, "D");
        require(DisputeTimes.disputeBound(window, join, uint256(clock) + 1, increment, k) == bound + 2, "C0");
        require(2 * bound < type(uint64).max, "fits");
    }
}
