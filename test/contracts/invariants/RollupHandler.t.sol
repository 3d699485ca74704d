// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BisectionGame} from "../../../contracts/root/BisectionGame.sol";
import {Bridge} from "../../../contracts/root/Bridge.sol";
import {Inbox} from "../../../contracts/root/Inbox.sol";
import {Settlement} from "../../../contracts/root/Settlement.sol";
import {PlainDataRoot} from "./PlainDataRoot.sol";
import {vm} from "./Vm.sol";
import {WithdrawalTree} from "./WithdrawalTree.sol";

/// Plays users, an honest sequencer, honest and lying claimants, and thieves, and keeps a model of the layer 2 beside the contracts.
/// Every action counts how often it went through: a run in which everything reverts proves nothing.
contract RollupHandler {
    uint256 private constant SCALE = 1e9;
    uint256 private constant ACTORS = 4;

    Inbox public immutable inbox;
    Settlement public immutable settlement;
    BisectionGame public immutable game;
    Bridge public immutable bridge;

    // The model: balances on layer 2 by actor, deposits in the queue, and withdrawals that were made.
    uint64[ACTORS] public balances;
    uint64[] private queued;
    uint256[] private queuedFor;
    uint256 private consumed;
    bytes32[4][] private withdrawals;
    uint64[] private withdrawnUnits;
    /// How many withdrawals the last claimed state holds, by claim.
    mapping(bytes32 claimId => uint256) public sizeOf;
    uint256 public paidUnits;
    uint256 public depositedUnits;
    mapping(uint256 index => bool) public paid;
    bytes32[] private claimIds;
    /// Rounds in which somebody entered, and how many did.
    bytes32[] private roundIds;
    mapping(bytes32 roundId => uint32) private entryCountOf;

    // What the inbox said when it was written.
    bytes32[] public batchHashes;
    bytes32[] public entryHashes;
    bytes32[] public epochAccumulators;
    uint64[] public queueEnds;
    bytes32[] public confirmed;

    /// Calls that did not revert, by action.
    mapping(string action => uint256) public calls;
    uint256 public totalCalls;
    /// Set when an attack went through.
    string public breach;

    constructor(Inbox inbox_, Settlement settlement_, BisectionGame game_, Bridge bridge_) {
        (inbox, settlement, game, bridge) = (inbox_, settlement_, game_, bridge_);
    }

    function actor(uint256 seed) public pure returns (address) {
        return address(uint160(0xA11CE000 + (seed % ACTORS)));
    }

    function withdrawalCount() external view returns (uint256) {
        return withdrawals.length;
    }

    function batchCount() external view returns (uint256) {
        return batchHashes.length;
    }

    function entryCount() external view returns (uint256) {
        return entryHashes.length;
    }

    function epochCount() external view returns (uint256) {
        return epochAccumulators.length;
    }

    function confirmedCount() external view returns (uint256) {
        return confirmed.length;
    }

    /// Units that layer 2 owes: balances, deposits on their way, and withdrawals that are not paid.
    function owedUnits() external view returns (uint256 owed) {
        for (uint256 i = 0; i < ACTORS; ++i) owed += balances[i];
        for (uint256 i = consumed; i < queued.length; ++i) owed += queued[i];
        for (uint256 i = 0; i < withdrawnUnits.length; ++i) if (!paid[i]) owed += withdrawnUnits[i];
    }

    function deposit(uint256 who, uint64 units) external {
        units = 1 + (units % 1e9);
        vm.deal(actor(who), units * SCALE);
        vm.prank(actor(who));
        bridge.deposit{value: units * SCALE}(actor(who), units * SCALE);
        _queue(units, who % ACTORS);
        depositedUnits += units;
        _count("deposit");
    }

    function force(uint256 who, uint8 slots) external {
        uint256 count = 1 + (uint256(slots) % 64);
        uint256 fee = inbox.forcedFee(count);
        vm.deal(actor(who), fee);
        vm.prank(actor(who));
        inbox.force{value: fee}(new bytes(96 * count));
        _queue(0, 0);
        _count("force");
    }

    /// Layer 2 lets an actor withdraw; the leaf is in the state after the next epoch.
    function withdrawOnLayer2(uint256 who, uint64 units) external {
        uint64 balance = balances[who % ACTORS];
        if (balance == 0 || withdrawals.length >= 40) return;
        units = 1 + (units % balance);
        balances[who % ACTORS] -= units;
        withdrawals.push(WithdrawalTree.leafOf(actor(who), units));
        withdrawnUnits.push(units);
        _count("withdrawOnLayer2");
    }

    function submitBatch(uint256 who, uint8 slots) external {
        uint64 end = inbox.entryCount();
        vm.warp(block.timestamp + 1);
        (uint32 time, bytes memory data) = (uint32(block.timestamp), new bytes(96 * (uint256(slots) % 100)));
        bytes32 expected = _expected(time, end, data);
        vm.prank(actor(who));
        inbox.submitBatch(time, end, expected, data);
        if (inbox.accumulator() != expected) breach = "a batch ends at another accumulator than its submitter computed";
        batchHashes.push(inbox.batchHash(uint64(batchHashes.length)));
        queueEnds.push(end);
        for (; consumed < end; ++consumed) balances[queuedFor[consumed]] += queued[consumed];
        if (inbox.epochCount() > epochAccumulators.length) {
            epochAccumulators.push(inbox.epochAccumulator(uint64(epochAccumulators.length)));
        }
        _count("submitBatch");
    }

    /// Tries what a batch must not do.
    function submitBadBatch(uint256 who, uint256 how) external {
        (uint32 time, uint64 end) = (uint32(block.timestamp), inbox.entryCount());
        bytes32 expected;
        if (how % 4 == 0) end += 1;
        else if (how % 4 == 1) time = inbox.lastL2Time() - 1;
        else if (how % 4 == 2) expected = inbox.accumulator();
        else if (inbox.consumedCount() == 0) return;
        else end = inbox.consumedCount() - 1;
        if (how % 4 != 2) expected = _expected(time, end, "");
        vm.prank(actor(who));
        try inbox.submitBatch(time, end, expected, "") {
            breach = "a bad batch went in";
        } catch {
            _count("submitBadBatch");
        }
    }

    /// Claims the true state of the next open epoch, or a lie about it. Nobody lies unanswered: an honest party claims the truth first.
    function claim(uint256 who, bool lie) external {
        (bytes32 parent, uint64 epoch,) = settlement.latestConfirmed();
        (bytes32 truth,) = WithdrawalTree.open(withdrawals, 0);
        if (!lie || settlement.claims(settlement.claimIdOf(parent, settlement.currentRound(parent), epoch, truth)).live == 0) {
            _enter(who, parent, epoch, truth, true);
            _count("claim");
        }
        if (!lie) return;
        _enter(who, parent, epoch, keccak256(abi.encode("a lie", who)), false);
        _count("claim a lie");
    }

    /// Somebody joins a claim of the round that is under way; an honest one, the truth.
    function back(uint256 who, uint256 which) external {
        bytes32 claimId = claimIds[which % claimIds.length];
        bytes32 parent = settlement.claims(claimId).parent;
        uint256 bond = settlement.bondFor(parent);
        vm.deal(actor(who), bond);
        vm.prank(actor(who));
        uint32 n = settlement.back{value: bond}(claimId, address(0));
        bytes32 roundId = _entered(parent, n);
        if (sizeOf[claimId] != 0) _open(who, roundId, n, settlement.claims(claimId).epoch, settlement.claims(claimId).stateRoot);
        _count("back");
    }

    /// Nobody who lies ever moves: the honest entries run them out of time, and what is true is confirmed.
    function settle() external {
        (bytes32 parent,,) = settlement.latestConfirmed();
        vm.warp(block.timestamp + 160);
        bytes32 roundId = settlement.roundIdOf(parent, settlement.rounds(parent).number);
        uint32 count = entryCountOf[roundId];
        for (uint32 i = 0; i < count; ++i) {
            for (uint32 j = i + 1; j < count; ++j) {
                // Two liars may run each other out of time as well.
                try game.timeout(roundId, i, j) {
                    _count("timeout");
                } catch {}
            }
        }
        for (uint256 i = 0; i < claimIds.length; ++i) {
            if (!settlement.canConfirm(claimIds[i])) continue;
            settlement.confirm(claimIds[i]);
            confirmed.push(claimIds[i]);
            _count("confirm");
        }
    }

    function release(uint256 which) external {
        bytes32 roundId = roundIds[which % roundIds.length];
        for (uint32 n = 0; n < entryCountOf[roundId]; ++n) {
            try game.settleOpening(roundId, n) {
                _count("settleOpening");
            } catch {}
            try settlement.release(roundId, n) {
                _count("release");
            } catch {}
        }
    }

    function withdrawCredit(uint256 who) external {
        uint256 credit = settlement.credit(actor(who));
        uint256 before = actor(who).balance;
        vm.prank(actor(who));
        settlement.withdrawCredit(actor(who));
        if (actor(who).balance - before != credit) breach = "somebody was paid another sum than its credit";
        _count("withdrawCredit");
    }

    /// What settlement owes: bonds of entries that stand, and credits.
    function owedWei() external view returns (uint256 owed) {
        for (uint256 i = 0; i < roundIds.length; ++i) {
            for (uint32 n = 0; n < entryCountOf[roundIds[i]]; ++n) owed += settlement.entries(roundIds[i], n).bondWei;
        }
        for (uint256 who = 0; who < ACTORS; ++who) owed += settlement.credit(actor(who));
    }

    /// Pays a withdrawal of the last confirmed state.
    function withdraw(uint256 index) external {
        bytes32 claimId = confirmed[confirmed.length - 1];
        index %= sizeOf[claimId];
        vm.warp(block.timestamp + 10);
        bool wasPaid = paid[index];
        (bytes32[4] memory leaf, bytes32[] memory siblings) = _leafOf(claimId, index);
        try bridge.withdraw(uint64(index), leaf, siblings, claimId) {
            if (wasPaid) breach = "a withdrawal was paid twice";
            paid[index] = true;
            paidUnits += withdrawnUnits[index];
            _count("withdraw");
        } catch {
            if (!wasPaid) breach = "a good withdrawal was refused";
            _count("withdraw again");
        }
    }

    /// Tries to be paid more, or instead of somebody else.
    function steal(uint256 index, uint64 more, address thief) external {
        bytes32 claimId = confirmed[confirmed.length - 1];
        index %= sizeOf[claimId];
        vm.warp(block.timestamp + 10);
        (, bytes32[] memory siblings) = _leafOf(claimId, index);
        bytes32[4] memory forged = WithdrawalTree.leafOf(thief, withdrawnUnits[index] + 1 + (more % 1e9));
        try bridge.withdraw(uint64(index), forged, siblings, claimId) {
            breach = "a forged withdrawal was paid";
        } catch {
            _count("steal");
        }
    }

    /// The accumulator after a batch, from the handler's own notes; entries that do not exist count as zero.
    function _expected(uint32 time, uint64 end, bytes memory data) private view returns (bytes32) {
        bytes32 dataRoot = PlainDataRoot.rootOf(data);
        bytes memory chained = abi.encodePacked(inbox.accumulator(), keccak256(abi.encode(time, end, uint32(data.length / 96), dataRoot)));
        for (uint64 i = inbox.consumedCount(); i < end; ++i) {
            chained = abi.encodePacked(chained, i < entryHashes.length ? entryHashes[i] : bytes32(0));
        }
        return keccak256(chained);
    }

    function _leafOf(bytes32 claimId, uint256 index) private view returns (bytes32[4] memory, bytes32[] memory) {
        bytes32[4][] memory leaves = new bytes32[4][](sizeOf[claimId]);
        for (uint256 i = 0; i < leaves.length; ++i) leaves[i] = withdrawals[i];
        (, bytes32[] memory siblings) = WithdrawalTree.open(leaves, index);
        return (leaves[index], siblings);
    }

    function _queue(uint64 units, uint256 who) private {
        queued.push(units);
        queuedFor.push(who);
        entryHashes.push(inbox.entryHash(uint64(entryHashes.length)));
    }

    function _enter(uint256 who, bytes32 parent, uint64 epoch, bytes32 root, bool isTrue) private {
        bytes32 accumulator = inbox.epochAccumulator(epoch);
        uint256 bond = settlement.bondFor(parent);
        uint32 round = settlement.currentRound(parent);
        vm.deal(actor(who), bond);
        vm.prank(actor(who));
        (bytes32 claimId, uint32 n) = settlement.claim{value: bond}(parent, round, epoch, root, accumulator, address(0));
        if (isTrue) sizeOf[claimId] = withdrawals.length;
        claimIds.push(claimId);
        bytes32 roundId = _entered(parent, n);
        if (isTrue) _open(who, roundId, n, epoch, root);
    }

    function _entered(bytes32 parent, uint32 n) private returns (bytes32 roundId) {
        roundId = settlement.roundIdOf(parent, settlement.rounds(parent).number);
        if (n == 0) roundIds.push(roundId);
        entryCountOf[roundId] = n + 1;
    }

    /// Honest entries open at once; no lie is ever played so far that the other states matter.
    function _open(uint256 who, bytes32 roundId, uint32 n, uint64 epoch, bytes32 root) private {
        uint64 steps = inbox.epochTrace(epoch);
        bytes32[] memory states = new bytes32[](steps < 2 ? steps : 2);
        states[states.length - 1] = root;
        uint256 bond = game.config().moveBondWei;
        vm.deal(actor(who), bond);
        vm.prank(actor(who));
        game.open{value: bond}(roundId, n, states);
        _count("open");
    }

    function _count(string memory action) private {
        calls[action] += 1;
        totalCalls += 1;
    }
}
