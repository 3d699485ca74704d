// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {JobEscrow} from "../../contracts/bounties/JobEscrow.sol";
import {TestToken} from "../../contracts/test/tokens/TestToken.sol";
import {JobHandler} from "./invariants/JobHandler.t.sol";
import {vm} from "./invariants/Vm.sol";

/// What must hold whatever the parties of many jobs do, in any order. Run it with the handler's file, or all of them at once.
contract JobInvariants {
    JobEscrow private escrow;
    TestToken private token;
    JobHandler private handler;

    function setUp() public {
        vm.warp(2_000_000_000);
        escrow = new JobEscrow(address(this), 0, address(0));
        token = new TestToken();
        // The handler sets fees: it is the owner before it is made.
        address next;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, or(shl(240, 0xd694), shl(80, address())))
            mstore8(add(free, 22), 0x03)
            next := and(keccak256(free, 23), 0xffffffffffffffffffffffffffffffffffffffff)
        }
        escrow.transferOwnership(next);
        vm.prank(next);
        escrow.acceptOwnership();
        handler = new JobHandler(escrow, token);
        require(address(handler) == next, "the handler is elsewhere");
    }

    /// The fuzzer calls the handler and nothing else.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_jobs_whatIsHeldIsOwedAndCameIn() public view {
        for (uint256 asset; asset < 2; ++asset) {
            address held = asset == 0 ? address(0) : address(token);
            uint256 balance = asset == 0 ? address(escrow).balance : token.balanceOf(address(escrow));
            require(balance >= escrow.owed(held), "less than is owed");
            require(escrow.owed(held) == handler.owedOf(asset), "owed is not what jobs and credits are");
            require(balance == handler.cameIn(asset) - handler.wentOut(asset), "money came from nowhere, or went there");
        }
    }

    function invariant_jobs_nobodyDoesWhatItMayNotAndEndsAreFinal() public view {
        require(bytes(handler.breach()).length == 0, handler.breach());
        require(handler.isEndKept(), "a job changed after its end");
    }

    /// A run in which everything reverts proves nothing: each action goes through in a long walk, and then everybody is paid.
    function test_walk_reachesEveryActionAndPaysEverybody() public {
        uint256 seed = uint256(keccak256("jobs"));
        for (uint256 i; i < 3_000; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (uint256 kind, uint256 x) = (seed % 24, seed >> 8);
            if (kind == 0) handler.create(x, uint128(x >> 64));
            else if (kind == 1) handler.openFunded(x, uint128(x >> 64));
            else if (kind < 4) handler.fund(x, x >> 64);
            else if (kind < 6) handler.submit(x, x >> 64 & 3 != 0);
            else if (kind < 16) handler.act(x, uint8(x >> 64), uint8(x >> 72), uint16(x >> 80));
            else if (kind < 19) handler.dispute(x, uint8(x >> 64));
            else if (kind == 19) handler.withdraw(x, uint8(x >> 64));
            else if (kind == 20) handler.setHook(uint8(x));
            else if (kind < 23) handler.passTime(x);
            else if (x % 4 == 0) handler.setFee(uint16(x >> 8));
            else if (x % 4 == 1) handler.abandon(x >> 8);
            if (i % 50 == 0) invariant_jobs_whatIsHeldIsOwedAndCameIn();
            invariant_jobs_nobodyDoesWhatItMayNotAndEndsAreFinal();
        }
        string[17] memory actions = [
            "create", "openFunded", "fund", "submit", "complete", "reject", "completeVerified", "rule", "claimRefund",
            "completeSilent", "settleRejected", "settleUnruled", "dispute", "withdraw", "a payee refuses", "setFee",
            "abandon"
        ];
        for (uint256 i; i < actions.length; ++i) {
            require(handler.calls(actions[i]) != 0, actions[i]);
        }
        for (uint256 i; i < 12; ++i) {
            handler.abandon(i);
        }
        for (uint256 i; i < 12; ++i) {
            handler.withdraw(i % 6 + (i / 6 << 8), 0);
        }
        invariant_jobs_whatIsHeldIsOwedAndCameIn();
        require(escrow.owed(address(0)) == 0 && escrow.owed(address(token)) == 0, "somebody was left out");
    }
}
