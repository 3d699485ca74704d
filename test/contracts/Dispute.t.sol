// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {console} from "hardhat/console.sol";

import {ChannelAdjudicator} from "../../contracts/channels/ChannelAdjudicator.sol";
import {Rollup, RollupConfig} from "../../contracts/interfaces/IRollupFactory.sol";
import {BisectionGame} from "../../contracts/root/BisectionGame.sol";
import {Bridge} from "../../contracts/root/Bridge.sol";
import {Exodus} from "../../contracts/root/Exodus.sol";
import {Inbox} from "../../contracts/root/Inbox.sol";
import {RollupFactory} from "../../contracts/root/RollupFactory.sol";
import {SequencerSet} from "../../contracts/root/SequencerSet.sol";
import {Settlement} from "../../contracts/root/Settlement.sol";
import {TestProver} from "../../contracts/test/actors/TestEpochs.sol";
import {DisputeHandler} from "./invariants/DisputeHandler.t.sol";
import {PlainDataRoot} from "./invariants/PlainDataRoot.sol";
import {vm} from "./invariants/Vm.sol";

/// What must hold whatever liars do, in any order, while one honest party plays (docs/DISPUTES.md). Inbox, Settlement and game are real; a
/// step is a hash. Run it with the handler's file, or all of them at once: the fuzzer only calls contracts of the files that it is given.
contract DisputeInvariants {
    uint256 private constant EPOCHS = 10;
    /// Three slots of nothing and the batch itself: seven steps.
    uint256 private constant SLOTS = 3;

    Settlement private settlement;
    BisectionGame private game;
    DisputeHandler private handler;

    function setUp() public {
        vm.warp(2_000_000_000);
        RollupFactory factory = new RollupFactory(
            RollupFactory.Implementations({
                inbox: address(new Inbox()),
                settlement: address(new Settlement()),
                game: address(new BisectionGame()),
                bridge: address(new Bridge()),
                exodus: address(new Exodus()),
                adjudicator: address(new ChannelAdjudicator()),
                sequencerSet: address(new SequencerSet())
            }),
            address(new TestProver())
        );
        Rollup memory rollup = factory.create(_config(), 0);
        Inbox inbox = Inbox(rollup.inbox);
        (settlement, game) = (Settlement(rollup.settlement), BisectionGame(rollup.game));
        bytes memory data = new bytes(96 * SLOTS);
        for (uint256 i = 0; i < EPOCHS; ++i) {
            uint32 time = uint32(block.timestamp);
            bytes32 batchHash = keccak256(abi.encode(time, uint64(0), uint32(SLOTS), PlainDataRoot.rootOf(data)));
            inbox.submitBatch(time, 0, keccak256(abi.encodePacked(inbox.accumulator(), batchHash)), data);
        }
        handler = new DisputeHandler(inbox, settlement, game);
        handler.claim(0, 1, 2, 1);
    }

    /// The fuzzer calls the handler and nothing else.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// A claim with an honest backer is never rejected, nothing is confirmed while a rival with a backer lives, and money is conserved.
    function invariant_round_keepsItsPromises() public view {
        require(bytes(handler.breach()).length == 0, handler.breach());
        _checkMoney();
        require(settlement.burned() + handler.burnedSentWei() >= handler.mustBurnWei(), "a loser paid too little");
    }

    /// In = paid out + burned + held, and each contract holds exactly what it owes.
    function _checkMoney() private view {
        uint256 paidIn = handler.paidInWei(handler.honest());
        uint256 paidOut = handler.paidOutWei(handler.honest());
        uint256 credits = settlement.credit(handler.honest());
        for (uint256 i = 0; i < 3; ++i) {
            paidIn += handler.paidInWei(handler.liar(i));
            paidOut += handler.paidOutWei(handler.liar(i));
            credits += settlement.credit(handler.liar(i));
        }
        credits += settlement.credit(address(handler));
        require(address(settlement).balance == credits + settlement.burned() + handler.bondsWei(), "the settlement does not hold what it owes");
        require(address(game).balance == handler.gameOwesWei(), "the game does not hold what it owes");
        uint256 held = address(settlement).balance + address(game).balance;
        require(paidIn == paidOut + handler.burnedSentWei() + held, "money came from nowhere, or went there");
    }

    /// Plays on to the end: nothing is stuck, the honest party has at least what it had, and all liars together have lost.
    /// Green runs in which every call reverts are worthless.
    function afterInvariant() public {
        require(handler.totalCalls() >= 10, "hardly any call went through");
        _finish();
    }

    // The same by walks of their own, with the calls that went through printed. Each test is short: the runner keeps a failing one's trace
    // in memory.

    function test_walk_1() public {
        _walks(1, 2);
    }

    function test_walk_2() public {
        _walks(3, 4);
    }

    function test_walk_3() public {
        _walks(5, 6);
    }

    function test_walk_4() public {
        _walks(7, 8);
    }

    function _walks(uint256 first, uint256 last) private {
        string[17] memory wanted = [
            "claim", "claim (honest)", "back", "open", "open (honest)", "answer", "answer (honest)", "prove", "timeout", "settle",
            "settleOpening", "release", "confirm", "reject", "withdrawCredit", "withdrawBurned", "pass"
        ];
        uint256[17] memory sums;
        (uint256 epochs, uint256 taken) = (0, 0);
        for (uint256 seed = first; seed <= last; ++seed) {
            if (seed > first) setUp();
            _walk(seed, 160);
            invariant_round_keepsItsPromises();
            _finish();
            for (uint256 i = 0; i < wanted.length; ++i) sums[i] += handler.calls(wanted[i]);
            taken += handler.totalCalls();
            (, uint64 confirmed,) = settlement.latestConfirmed();
            epochs += confirmed;
        }
        console.log("calls that did not revert: %s, epochs confirmed: %s", taken, epochs);
        for (uint256 i = 0; i < wanted.length; ++i) {
            console.log("  %s: %s", wanted[i], sums[i]);
            // What every walk has; not each of them has somebody late, a claim on a fallen one, or a withdrawal.
            require(sums[i] > 0 || i == 8 || i > 12, wanted[i]);
        }
    }

    function _walk(uint256 seed, uint256 length) private {
        for (uint256 i = 0; i < length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            (uint256 a, uint256 b, uint256 c) = (uint64(random), uint64(random >> 64), uint64(random >> 128));
            uint256 what = (random >> 192) % 20;
            if (what == 0) try handler.claim(a, b, c, random >> 200) {} catch {}
            else if (what == 1) try handler.back(a, b, c, random >> 200) {} catch {}
            else if (what <= 3) try handler.open(a) {} catch {}
            else if (what <= 15) _any(what, a, c);
            else if (what == 16) try handler.confirm(a) {} catch {}
            else if (what == 17) try handler.reject(a) {} catch {}
            else if (what == 18) try handler.withdrawCredit(a) {} catch {}
            else handler.pass(a);
            if (what == 18 && a % 4 == 0) try handler.withdrawBurned() {} catch {}
            require(bytes(handler.breach()).length == 0, handler.breach());
        }
    }

    /// The first of the calls of this kind, from some pair on, that goes through: pairs drawn at random hardly ever have one.
    function _any(uint256 what, uint256 from, uint256 whim) private {
        uint256 count = handler.seatCount();
        uint256 before = handler.totalCalls();
        for (uint256 n = 0; n < count * count && handler.totalCalls() == before; ++n) {
            (uint256 i, uint256 j) = ((from + n / count) % count, n % count);
            if (what <= 8) try handler.answer(i, j, whim) {} catch {}
            else if (what <= 10) try handler.prove(i, j) {} catch {}
            else if (what == 11) try handler.timeout(i, j) {} catch {}
            else if (what <= 13) try handler.settle(i, j) {} catch {}
            else if (what == 14) try handler.settleOpening(i) {} catch {}
            else try handler.release(i) {} catch {}
        }
    }

    function _finish() private {
        handler.finish();
        require(bytes(handler.breach()).length == 0, handler.breach());
        require(handler.bondsWei() == 0, "a bond is stuck");
        require(address(game).balance == 0, "a move bond is stuck");
        (uint256 honestIn, uint256 honestOut) = _balanceOf(handler.honest());
        require(honestOut >= honestIn, "the honest party lost money");
        (uint256 liarsIn, uint256 liarsOut) = (0, 0);
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 paidIn, uint256 paidOut) = _balanceOf(handler.liar(i));
            (liarsIn, liarsOut) = (liarsIn + paidIn, liarsOut + paidOut);
        }
        require(liarsOut + handler.mustBurnWei() <= liarsIn, "one actor on all other sides did not pay for every entry it lost");
        invariant_round_keepsItsPromises();
    }

    /// What somebody sent, and what it got or can take.
    function _balanceOf(address who) private view returns (uint256 paidIn, uint256 paidOut) {
        return (handler.paidInWei(who), handler.paidOutWei(who) + settlement.credit(who));
    }

    function _config() private pure returns (RollupConfig memory config) {
        config.assetScale = 1e9;
        config.forcedSlotFeeWei = 1000;
        config.bondWei = 3200;
        config.epochSteps = 1e9;
        config.inclusionDelaySeconds = 100;
        config.gasRefundWei = 400;
        config.rewardCapWei = 100;
        config.moveBondWei = 7;
        config.windowSeconds = 100;
        config.joinSeconds = 80;
        config.clockSeconds = 60;
        config.incrementSeconds = 5;
        config.parts = 2;
        config.payoutDelaySeconds = 10;
    }
}
