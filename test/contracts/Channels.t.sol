// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelAdjudicator} from "../../contracts/channels/ChannelAdjudicator.sol";
import {TestToken} from "../../contracts/test/tokens/TestToken.sol";
import {ChannelHandler} from "./invariants/ChannelHandler.t.sol";
import {vm} from "./invariants/Vm.sol";

/// What must hold whatever two parties sign and hand in, in any order. Run it with the handler's file, or all of them at once.
contract ChannelInvariants {
    ChannelAdjudicator private adjudicator;
    TestToken private token;
    ChannelHandler private handler;

    function setUp() public {
        vm.warp(2_000_000_000);
        adjudicator = new ChannelAdjudicator();
        token = new TestToken();
        bytes memory code = abi.encodePacked(type(ChannelHandler).creationCode, abi.encode(adjudicator, token));
        // It has money from its first moment on: it opens channels when it is made.
        address next;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, or(shl(240, 0xd694), shl(80, address())))
            mstore8(add(free, 22), 0x03)
            next := and(keccak256(free, 23), 0xffffffffffffffffffffffffffffffffffffffff)
        }
        vm.deal(next, 1e30);
        address made;
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        require(made == next, "the handler is elsewhere");
        handler = ChannelHandler(payable(made));
    }

    /// The fuzzer calls the handler and nothing else.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_channels_depositsArePayoutsAndWhatIsHeld() public view {
        require(address(adjudicator).balance == handler.heldOf(0), "ETH came from nowhere, or went there");
        require(token.balanceOf(address(adjudicator)) == handler.heldOf(1), "tokens came from nowhere, or went there");
    }

    function invariant_channels_nothingIsPaidTwiceAndTheNewestStateWins() public view {
        require(bytes(handler.breach()).length == 0, handler.breach());
    }

    /// A run in which everything reverts proves nothing: each action goes through in a long walk.
    function test_walk_reachesEveryAction() public {
        uint256 seed = uint256(keccak256("channels"));
        for (uint256 i; i < 400; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (uint256 kind, uint256 x) = (seed % 11, seed >> 8);
            (uint8 side, uint64 units, uint256 y) = (uint8(x >> 8), uint64(x >> 16), x >> 80);
            if (kind == 0) handler.open(x, side, units);
            else if (kind == 1 || kind == 2) handler.pay(x, side, units % 1e7);
            else if (kind == 3) handler.rebase(x);
            else if (kind == 4) handler.challenge(x, y, y >> 32);
            else if (kind == 5) handler.handIn(x, y, y >> 32);
            else if (kind == 6) handler.cheat(x, units, side % 2 == 0);
            else if (kind == 7) handler.passTime(x, y);
            else if (kind == 8) handler.close(x);
            else if (kind == 9) handler.withdraw(x, units);
            else if (y % 8 == 0) handler.closeCooperatively(x);
            else handler.forge(x, units, units);
            invariant_channels_nothingIsPaidTwiceAndTheNewestStateWins();
        }
        invariant_channels_depositsArePayoutsAndWhatIsHeld();
        string[10] memory actions = [
            "open", "pay", "rebase", "challenge", "respond", "checkpoint", "tower", "close", "withdraw", "closeCooperatively"
        ];
        for (uint256 i; i < actions.length; ++i) {
            require(handler.calls(actions[i]) != 0, actions[i]);
        }
    }
}
