// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelAdjudicator} from "../../contracts/channels/ChannelAdjudicator.sol";
import {IRollupFactory, Rollup, RollupConfig} from "../../contracts/interfaces/IRollupFactory.sol";
import {BisectionGame} from "../../contracts/root/BisectionGame.sol";
import {Bridge} from "../../contracts/root/Bridge.sol";
import {Exodus} from "../../contracts/root/Exodus.sol";
import {Inbox} from "../../contracts/root/Inbox.sol";
import {RollupFactory} from "../../contracts/root/RollupFactory.sol";
import {SequencerSet} from "../../contracts/root/SequencerSet.sol";
import {Settlement} from "../../contracts/root/Settlement.sol";
import {RollupHandler} from "./invariants/RollupHandler.t.sol";
import {vm} from "./invariants/Vm.sol";

/// What must hold whatever users, claimants and thieves do, in any order. Run it with the handler's file, or all of them at once: the
/// fuzzer only calls contracts of the files that it is given.
contract RollupInvariants {
    Inbox private inbox;
    Settlement private settlement;
    Bridge private bridge;
    RollupHandler private handler;

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
            address(1)
        );
        Rollup memory rollup = factory.create(_config(), 0);
        (inbox, settlement, bridge) = (Inbox(rollup.inbox), Settlement(rollup.settlement), Bridge(rollup.bridge));
        handler = new RollupHandler(inbox, settlement, BisectionGame(rollup.game), bridge);

        // Every run starts with something to do: money on layer 2, a withdrawal, a confirmed epoch.
        handler.deposit(0, 1e9);
        handler.submitBatch(0, 1);
        handler.withdrawOnLayer2(0, 5);
        handler.submitBatch(0, 1);
        handler.claim(0, false);
        handler.settle();
    }

    /// The fuzzer calls the handler and nothing else.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_bridge_holdsWhatLayer2Owes() public view {
        require(address(bridge).balance / 1e9 >= handler.owedUnits(), "the bridge owes more than it holds");
        require(
            address(bridge).balance / 1e9 == handler.depositedUnits() - handler.paidUnits(),
            "money came from nowhere, or went there"
        );
    }

    function invariant_bridge_paysNothingTwiceAndNothingForged() public view {
        require(bytes(handler.breach()).length == 0, handler.breach());
        for (uint64 i = 0; i < handler.withdrawalCount(); ++i) {
            require(bridge.isWithdrawn(i) == handler.paid(i), "a nullifier does not say what was paid");
        }
    }

    function invariant_inbox_isNeverRewritten() public view {
        require(inbox.batchCount() == handler.batchCount(), "batches came or went");
        require(inbox.entryCount() == handler.entryCount(), "entries came or went");
        bytes32 accumulator;
        uint64 entry;
        for (uint64 i = 0; i < handler.batchCount(); ++i) {
            require(inbox.batchHash(i) == handler.batchHashes(i), "a batch was rewritten");
            bytes memory chained = abi.encodePacked(accumulator, handler.batchHashes(i));
            for (; entry < handler.queueEnds(i); ++entry) {
                require(inbox.entryHash(entry) == handler.entryHashes(entry), "an entry was rewritten");
                chained = abi.encodePacked(chained, handler.entryHashes(entry));
            }
            accumulator = keccak256(chained);
        }
        require(inbox.accumulator() == accumulator, "the accumulator does not follow from its history");
        for (uint64 i = 0; i < handler.epochCount(); ++i) {
            require(inbox.epochAccumulator(i) == handler.epochAccumulators(i), "an epoch was rewritten");
        }
    }

    function invariant_settlement_holdsExactlyWhatItOwes() public view {
        require(address(settlement).balance == handler.owedWei() + settlement.burned(), "bonds were lost or paid twice");
    }

    function invariant_settlement_confirmsNoLie() public view {
        for (uint64 i = 0; i < handler.confirmedCount(); ++i) {
            require(handler.sizeOf(handler.confirmed(i)) != 0, "a lie is confirmed although somebody honest played");
        }
    }

    function invariant_settlement_confirmsOneClaimAnEpoch() public view {
        (bytes32 latest, uint64 nextEpoch,) = settlement.latestConfirmed();
        require(nextEpoch == handler.confirmedCount(), "an epoch has no claim or two");
        for (uint64 i = 0; i < nextEpoch; ++i) {
            require(settlement.claims(handler.confirmed(i)).epoch == i, "epochs are confirmed out of order");
        }
        require(latest == handler.confirmed(nextEpoch - 1), "the latest claim is not the last confirmed one");
    }

    /// Green runs in which every call reverts are worthless.
    function afterInvariant() public view {
        require(handler.totalCalls() >= 20, "hardly any call went through");
    }

    /// Every action of the handler goes through at least once when the order is right.
    function test_handler_reachesEveryAction() public {
        handler.force(1, 63);
        handler.deposit(1, 1e9);
        handler.submitBatch(2, 99);
        for (uint256 how = 0; how < 4; ++how) handler.submitBadBatch(1, how);
        handler.withdrawOnLayer2(1, 77);
        handler.claim(1, true);
        handler.claim(2, false);
        handler.back(3, 1);
        handler.settle();
        handler.release(0);
        handler.withdrawCredit(0);
        handler.withdraw(0);
        handler.withdraw(0);
        handler.steal(1, 5, address(this));
        string[16] memory actions = [
            "force", "deposit", "submitBatch", "submitBadBatch", "withdrawOnLayer2", "claim", "claim a lie", "back", "open",
            "timeout", "confirm", "release", "withdrawCredit", "withdraw", "withdraw again", "steal"
        ];
        for (uint256 i = 0; i < actions.length; ++i) require(handler.calls(actions[i]) > 0, actions[i]);
        require(bytes(handler.breach()).length == 0, handler.breach());
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
        config.windowSeconds = 50;
        config.joinSeconds = 40;
        config.clockSeconds = 60;
        config.incrementSeconds = 5;
        config.parts = 2;
        config.payoutDelaySeconds = 10;
    }
}
