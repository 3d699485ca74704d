// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {WorkLibrary, WorkLog} from "../../contracts/libraries/WorkLog.sol";
import {vm} from "./invariants/Vm.sol";

/// The packed, searched log against a plain list.
contract WorkLogTest {
    using WorkLibrary for WorkLog;

    WorkLog private log;
    uint64[] private counted;
    uint256 private lastSlot;

    function _note(uint64 index, uint256 time, uint256 slotSeconds) private {
        vm.warp(time);
        log.note(index, slotSeconds);
        uint256 slot = time / slotSeconds;
        if (counted.length != 0 && slot == lastSlot) return;
        lastSlot = slot;
        counted.push(index);
    }

    function _countBelow(uint64 end) private view returns (uint256 count) {
        for (uint256 i = 0; i < counted.length; ++i) if (counted[i] < end) ++count;
    }

    function testFuzz_countBelow_equalsAPlainCount(uint8[24] memory steps, uint8[24] memory seconds_, uint8 length, uint64 start)
        public
    {
        (uint64 index, uint256 time, uint256 slotSeconds) = (start >> 1, 1_000_000, 1 + uint256(length) % 40);
        for (uint256 i = 0; i < steps.length; ++i) {
            _note(index, time, slotSeconds);
            require(log.count == counted.length, "count");
            index += 1 + steps[i] % 4;
            time += seconds_[i] % 60;
        }
        require(log.lastAt / slotSeconds == lastSlot, "last");
        for (uint256 i = 0; i < counted.length; ++i) {
            uint64 each = counted[i];
            require(log.countBelow(each) == i && log.countBelow(each + 1) == i + 1, "around an index");
        }
        require(log.countBelow(0) == _countBelow(0), "none");
        require(log.countBelow(type(uint64).max) == _countBelow(type(uint64).max), "all");
        require(log.countBelow(index / 2) == _countBelow(index / 2), "somewhere");
    }

    function test_countBelow_ofNothing() public view {
        require(log.countBelow(type(uint64).max) == 0 && log.countBelow(0) == 0, "empty");
    }

    function test_note_inTheFirstSlotOfTime() public {
        _note(0, 5, 10);
        _note(1, 9, 10);
        _note(2, 10, 10);
        require(log.count == 2 && log.countBelow(1) == 1 && log.countBelow(3) == 2, "slot 0");
    }

    function test_countBelow_atTheEdgesOfWordsAndWidths() public {
        uint64[9] memory indices =
            [0, 1, 2, 3, 4, 5, type(uint64).max - 2, type(uint64).max - 1, type(uint64).max];
        for (uint256 i = 0; i < 9; ++i) _note(indices[i], 1_000_000 + 10 * i, 10);
        for (uint256 i = 0; i < 9; ++i) require(log.countBelow(indices[i]) == i, "below");
        require(log.countBelow(6) == 6, "between");
    }
}
