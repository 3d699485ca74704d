// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UptimeMeter} from "../../../contracts/bounties/UptimeMeter.sol";
import {IValidationRegistry} from "../../../contracts/interfaces/IValidationRegistry.sol";
import {Stake, UptimeTerms} from "../../../contracts/interfaces/IUptimeMeter.sol";
import {Middle} from "../../../contracts/libraries/Middle.sol";
import {vm} from "../invariants/Vm.sol";

/// The middle of values, against its definition; and what an UptimeMeter holds, owes and counts, whatever validators do.
contract UptimeTest {
    uint256 private constant MIN_STAKE = 1_007;
    uint256 private constant PENALTY = MIN_STAKE / 10;
    uint256 private constant VALIDATORS = 7;
    uint256 private constant PERIODS = 12;
    uint32 private constant PERIOD = 100;
    uint32 private constant COMMIT = 60;
    uint32 private constant REVEAL = 150;
    uint256 private constant ID = 3;

    UptimeMeter private meter;
    bytes32 private key;
    uint256 private begunAt;
    /// What the test itself keeps of a validator.
    mapping(address => uint256) private slashes;
    uint256 private slashCount;
    uint256 private units;
    uint256 private badRow;
    bool private hasFailed;
    uint256 private random;

    function setUp() public {
        vm.warp(2_000_000_000);
        meter = new UptimeMeter(IValidationRegistry(address(1)), MIN_STAKE, 10_000);
        for (uint256 i; i < VALIDATORS; ++i) {
            vm.deal(_validator(i), MIN_STAKE);
            vm.prank(_validator(i));
            meter.join{value: MIN_STAKE}();
        }
    }

    function testFuzz_middlesOf_isTheMiddleByDefinition(uint16[16] calldata given, uint8 size) public pure {
        uint256 count = uint256(size) % 17;
        uint16[] memory values = new uint16[](count);
        for (uint256 i; i < count; ++i) values[i] = given[i] % 11; // with many equal ones
        (uint16 lower, uint16 upper) = Middle.middlesOf(values);
        if (count == 0) {
            require(lower == 0 && upper == 0, "none");
            return;
        }
        require(lower == _nth(given, count, (count - 1) / 2), "lower");
        require(upper == _nth(given, count, count / 2), "upper");
        (uint256 atLeast, uint256 atMost) = (0, 0);
        for (uint256 i; i < count; ++i) {
            if (given[i] % 11 >= lower) ++atLeast;
            if (given[i] % 11 <= upper) ++atMost;
        }
        require(2 * atLeast > count && 2 * atMost > count, "a majority is behind both");
    }

    /// Some commit, some of them reveal, values lie anywhere; tallies come late or in time. What is owed is there, and what is counted is what
    /// the definitions say.
    function testFuzz_walk_holdsWhatItOwes(uint256 seed) public {
        random = seed;
        _begin(uint16(_draw(3_000)), uint8(1 + _draw(VALIDATORS)), uint16(_draw(10_001)), uint16(1 + _draw(3)));
        for (uint256 period; period < PERIODS; ++period) _play(uint32(period));
        _requireBalanced(0);
        require(meter.unitsOf(address(this), ID) == units, "units");
        require(meter.hasFailed(address(this), ID) == hasFailed, "failed");
        require(meter.burned() == slashCount * PENALTY, "burned");
        _leaveAll();
    }

    function _begin(uint16 toleranceBps, uint8 quorum, uint16 floorBps, uint16 badPeriods) private {
        UptimeTerms memory terms = UptimeTerms(
            new address[](0), bytes32(uint256(1)), PERIOD, COMMIT, REVEAL, quorum, toleranceBps, floorBps, badPeriods
        );
        meter.begin(ID, address(0xBAD), 0, abi.encode(terms));
        (key, begunAt) = (meter.keyOf(address(this), ID, 1), block.timestamp);
    }

    /// One period from its commit phase to its tally, on its own, so that what is locked at the end is nothing.
    function _play(uint32 period) private {
        if (hasFailed) return;
        // Periods are as far apart as a whole period with its phases, so that one is done before the next one begins.
        uint32 subject = period * 4;
        uint256 end = begunAt + (uint256(subject) + 1) * PERIOD;
        uint16[] memory values = new uint16[](VALIDATORS);
        bool[] memory revealed = new bool[](VALIDATORS);
        bool[] memory committed = new bool[](VALIDATORS);
        uint256 reveals;
        uint256 commits;
        vm.warp(end + _draw(COMMIT));
        for (uint256 i; i < VALIDATORS; ++i) {
            if (_draw(5) == 0 || !_mayCommit(i)) continue;
            values[i] = uint16(_draw(3) == 0 ? _draw(10_001) : 9_000 + _draw(1_001));
            bytes32 commitment = meter.commitmentOf(key, subject, _validator(i), values[i], bytes32(i));
            vm.prank(_validator(i));
            meter.commit(key, new address[](0), subject, commitment);
            (committed[i], commits) = (true, commits + 1);
        }
        _requireBalanced(commits);
        vm.warp(end + COMMIT + _draw(REVEAL));
        for (uint256 i; i < VALIDATORS; ++i) {
            if (!committed[i] || _draw(6) == 0) continue;
            vm.prank(_validator(i));
            meter.reveal(key, subject, values[i], bytes32(i));
            (revealed[i], reveals) = (true, reveals + 1);
        }
        if (commits == 0) return;
        vm.warp(end + COMMIT + REVEAL);
        meter.tally(key, subject);
        _account(values, committed, revealed, reveals);
        _requireBalanced(0);
    }

    /// The definitions of docs/BOUNTIES.md, by counting instead of sorting.
    function _account(uint16[] memory values, bool[] memory committed, bool[] memory revealed, uint256 reveals) private {
        bool hasQuorum = reveals >= meter.engagementOf(key).quorum;
        (uint256 lower, uint256 upper) = _middles(values, revealed, reveals);
        uint256 tolerance = meter.engagementOf(key).toleranceBps;
        for (uint256 i; i < VALIDATORS; ++i) {
            bool isOff = hasQuorum && revealed[i] && (values[i] + tolerance < lower || values[i] > upper + tolerance);
            if (!committed[i] || (revealed[i] && !isOff)) continue;
            slashes[_validator(i)] += 1;
            slashCount += 1;
        }
        if (!hasQuorum) return;
        units += lower;
        badRow = upper < meter.engagementOf(key).floorBps ? badRow + 1 : 0;
        hasFailed = badRow >= meter.engagementOf(key).badPeriods;
    }

    /// The value with at most half of the others below it and at most half above, from below and from above.
    function _middles(uint16[] memory values, bool[] memory revealed, uint256 reveals) private pure returns (uint256 lower, uint256 upper) {
        lower = type(uint256).max;
        for (uint256 i; i < VALIDATORS; ++i) {
            if (!revealed[i]) continue;
            (uint256 below, uint256 above) = (0, 0);
            for (uint256 j; j < VALIDATORS; ++j) {
                if (revealed[j] && values[j] < values[i]) ++below;
                if (revealed[j] && values[j] > values[i]) ++above;
            }
            if (2 * below > reveals || 2 * above > reveals) continue;
            if (values[i] < lower) lower = values[i];
            if (values[i] > upper) upper = values[i];
        }
        if (reveals == 0) lower = 0;
    }

    function _requireBalanced(uint256 openCommitments) private view {
        (uint256 stakes, uint256 locked) = (0, 0);
        for (uint256 i; i < VALIDATORS; ++i) {
            Stake memory stake = meter.stakeOf(_validator(i));
            require(stake.amountWei == MIN_STAKE - slashes[_validator(i)] * PENALTY, "stake");
            require(stake.lockedWei <= stake.amountWei, "locked");
            (stakes, locked) = (stakes + stake.amountWei, locked + stake.lockedWei);
        }
        require(locked == openCommitments * PENALTY, "what is locked");
        require(address(meter).balance == stakes + meter.burned(), "what is held");
    }

    /// Everybody has out what it is owed, and the rest is burned.
    function _leaveAll() private {
        for (uint256 i; i < VALIDATORS; ++i) {
            if (meter.stakeOf(_validator(i)).amountWei == 0) continue;
            vm.prank(_validator(i));
            meter.unbond();
        }
        vm.warp(block.timestamp + 10_000);
        for (uint256 i; i < VALIDATORS; ++i) {
            if (meter.stakeOf(_validator(i)).payableAt == 0) continue;
            uint256 before = _validator(i).balance;
            vm.prank(_validator(i));
            meter.withdrawStake(_validator(i));
            require(_validator(i).balance - before == MIN_STAKE - slashes[_validator(i)] * PENALTY, "paid");
        }
        if (meter.burned() != 0) meter.withdrawBurned();
        require(address(meter).balance == 0, "empty");
    }

    function _mayCommit(uint256 i) private view returns (bool) {
        return meter.stakeOf(_validator(i)).amountWei >= PENALTY;
    }

    function _draw(uint256 count) private returns (uint256) {
        random = uint256(keccak256(abi.encode(random)));
        return random % count;
    }

    function _validator(uint256 i) private pure returns (address) {
        return address(uint160(0xA11CE000 + i));
    }

    /// The value in place `n` of the sorted ones, by taking the smallest again and again.
    function _nth(uint16[16] calldata given, uint256 count, uint256 n) private pure returns (uint16) {
        bool[16] memory taken;
        uint16 smallest;
        for (uint256 round; round <= n; ++round) {
            uint256 best = 16;
            for (uint256 i; i < count; ++i) {
                if (!taken[i] && (best == 16 || given[i] % 11 < given[best] % 11)) best = i;
            }
            (taken[best], smallest) = (true, given[best] % 11);
        }
        return smallest;
    }
}
