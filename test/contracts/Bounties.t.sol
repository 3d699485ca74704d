// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {console} from "hardhat/console.sol";

import {BountyBoard} from "../../contracts/bounties/BountyBoard.sol";
import {JobEscrow} from "../../contracts/bounties/JobEscrow.sol";
import {Phase} from "../../contracts/interfaces/IBountyBoard.sol";
import {TestIdentityRegistry} from "../../contracts/test/actors/TestIdentityRegistry.sol";
import {TestToken} from "../../contracts/test/tokens/TestToken.sol";
import {BountyHandler} from "./invariants/BountyHandler.t.sol";
import {vm} from "./invariants/Vm.sol";

/// What must hold whatever people do with bounties, in any order.
contract BountyInvariants {
    uint256 private constant STEPS = 200;

    BountyBoard private board;
    TestToken private token;
    BountyHandler private handler;

    function setUp() public {
        vm.warp(2_000_000_000);
        JobEscrow escrow = new JobEscrow(address(this), 100, address(this));
        TestIdentityRegistry registry = new TestIdentityRegistry();
        board = new BountyBoard(escrow, registry, address(this), 100, address(this));
        token = new TestToken();
        handler = new BountyHandler(board, escrow, registry, token);
    }

    /// The fuzzer calls the handler and nothing else.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_bounties_whatIsHeldCoversWhatIsOwedWhichIsPoolsStakesAndCredits() public view {
        require(board.owed(address(0)) == handler.dueOf(address(0)), "ETH: owed is not what is due");
        require(board.owed(address(token)) == handler.dueOf(address(token)), "token: owed is not what is due");
        require(address(board).balance >= board.owed(address(0)), "ETH: less is held than owed");
        require(token.balanceOf(address(board)) >= board.owed(address(token)), "token: less is held than owed");
        require(bytes(handler.breach()).length == 0, handler.breach());
    }

    /// From wherever a walk leads, anyone brings every bounty to its end, and everybody to its money.
    function testFuzz_walk_everyBountyEndsAndEverybodyIsPaid(uint256 seed) public {
        _walk(seed, 24);
        _end();
    }

    /// A run in which everything reverts proves nothing: in long walks each action goes through.
    function test_walk_reachesEveryAction() public {
        for (uint256 i; i < 5; ++i) {
            if (i != 0) setUp();
            _walk(uint256(keccak256(abi.encode("bounties", i))), STEPS);
            _end();
            for (uint256 j; j < actions.length; ++j) {
                counted[actions[j]] += handler.calls(actions[j]);
            }
        }
        string memory all;
        for (uint256 j; j < actions.length; ++j) {
            all = string.concat(all, actions[j], " ", Strings.toString(counted[actions[j]]), ", ");
        }
        console.log(all);
        for (uint256 j; j < actions.length; ++j) {
            require(counted[actions[j]] >= 1, actions[j]);
        }
    }

    mapping(string action => uint256) private counted;
    string[] private actions = [
        "post",
        "fund",
        "commit",
        "reveal",
        "award",
        "awardBest",
        "take",
        "count",
        "close",
        "withdrawBid",
        "withdraw",
        "advance",
        "claimUnits",
        "fail",
        "finish",
        "reopen",
        "lapse",
        "refund",
        "payout",
        "refused payout",
        "job.submit",
        "job.complete",
        "job.reject",
        "job.dispute",
        "job.rule",
        "job.claimRefund",
        "job.completeSilent",
        "job.completeVerified",
        "job.settleRejected",
        "job.settleUnruled"
    ];

    function _walk(uint256 seed, uint256 steps) private {
        for (uint256 i; i < steps; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _step(seed % 16, seed >> 8, uint64(seed >> 160));
        }
        invariant_bounties_whatIsHeldCoversWhatIsOwedWhichIsPoolsStakesAndCredits();
    }

    /// Mostly what the phase of the bounty is for, and its time passes; sometimes anything else.
    function _step(uint256 kind, uint256 x, uint64 y) private {
        Phase phase = board.phaseOf(handler.idOf(x));
        if (phase == Phase.NONE || phase == Phase.CLOSED || (kind == 0 && x % 4 == 1)) handler.post(x, y);
        else if (kind == 1) handler.fund(x, y);
        else if (kind == 2) handler.decide(x);
        else if (kind == 3) handler.passTime(x);
        else if (kind < 6 || phase == Phase.LAPSED) handler.nudge(x);
        else if (phase == Phase.FUNDING) handler.fund(x, y);
        else if (phase == Phase.ENGAGED) handler.work(x, y);
        else if (phase == Phase.AWARD && kind < 9) handler.passTime(99);
        else if (phase == Phase.AWARD || phase == Phase.FALLBACK) handler.hire(x);
        else {
            if (phase == Phase.COMMIT) handler.commit(x, y);
            else handler.reveal(x);
            handler.passTime(99);
        }
    }

    function _end() private {
        handler.endAll();
        invariant_bounties_whatIsHeldCoversWhatIsOwedWhichIsPoolsStakesAndCredits();
        handler.payAll();
        invariant_bounties_whatIsHeldCoversWhatIsOwedWhichIsPoolsStakesAndCredits();
        // Rounding leaves less than a base unit for each of three funders.
        uint256 kept = board.credit(address(0), handler.actors(3)) + _unpullable(address(0));
        require(board.owed(address(0)) <= kept + 3 * handler.MAX_BOUNTIES(), "ETH is left that is nobody's");
        require(
            board.owed(address(token)) <= _unpullable(address(token)) + 3 * handler.MAX_BOUNTIES(),
            "tokens are left that are nobody's"
        );
    }

    /// Burned, the owner's fees, and the rewards of who called for anyone.
    function _unpullable(address token_) private view returns (uint256) {
        return board.credit(token_, board.BURN_ADDRESS()) + board.credit(token_, address(this))
            + board.credit(token_, address(handler));
    }
}
