// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    MAX_FORCED_SLOTS,
    MAX_UNITS,
    OP_DEPOSIT,
    OP_FORCED,
    OP_LINK_AGENT,
    OP_SWEEP_FEES,
    SLOT_BYTES
} from "../generated/Constants.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IInbox, InboxConfig} from "../interfaces/IInbox.sol";
import {ISequencerAuth} from "../interfaces/ISequencerAuth.sol";
import {DataRoot} from "../libraries/DataRoot.sol";
import {EntryHash} from "../libraries/EntryHash.sol";
import {PackedSlots} from "../libraries/PackedSlots.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// The data of one chain. See `IInbox`.
contract Inbox is IInbox, CloneArguments {
    /// How far a batch's time may run ahead of L1.
    uint256 public constant MAX_LEAD_SECONDS = 15;
    /// How far it may stay behind.
    uint256 public constant MAX_LAG_SECONDS = 24 hours;
    /// A batch without slots that consumes so many entries may leave due ones to the next: a flood of entries must not need more gas
    /// than one transaction has.
    uint256 public constant MAX_BATCH_ENTRIES = 1024;
    /// Entries that wait until the fee of a forced slot has doubled.
    uint256 public constant FEE_DOUBLING_ENTRIES = 32;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    // Words of InboxConfig.
    uint256 private constant BRIDGE = 0;
    uint256 private constant SEQUENCER = 1;
    uint256 private constant SEQUENCER_AUTH = 2;
    uint256 private constant IDENTITY_REGISTRY = 3;
    uint256 private constant FEE_RECIPIENT = 4;
    uint256 private constant INCLUSION_DELAY = 5;
    uint256 private constant EPOCH_STEPS = 6;
    uint256 private constant EPOCH_AGE = 7;
    uint256 private constant FORCED_SLOT_FEE = 8;
    uint256 private constant EXODUS = 9;
    uint256 private constant CONFIG_WORDS = 10;

    struct Epoch {
        uint64 batchEnd;
        uint64 steps;
        uint32 openedAt;
        bytes32 accumulator;
    }

    /// @inheritdoc IInbox
    uint64 public entryCount;
    /// @inheritdoc IInbox
    uint64 public consumedCount;
    /// @inheritdoc IInbox
    uint64 public batchCount;
    /// @inheritdoc IInbox
    uint32 public lastL2Time;
    /// @inheritdoc IInbox
    bool public isStopped;

    /// @inheritdoc IInbox
    bytes32 public accumulator;

    /// @inheritdoc IInbox
    uint64 public epochCount;
    /// Steps of the open epoch so far.
    uint64 public openSteps;
    /// L1 time of the open epoch's first batch; 0 while it has none.
    uint32 public openedAt;
    /// Index of the last SWEEP_FEES entry plus one.
    uint64 private sweepEnd;

    /// @inheritdoc IInbox
    mapping(uint64 index => bytes32) public batchHash;
    /// @inheritdoc IInbox
    mapping(uint64 index => bytes32) public entryHash;
    mapping(uint64 epoch => Epoch) private epochs;

    /// @inheritdoc IInbox
    function submitBatch(uint32 l2Time, uint64 queueEnd, bytes32 expectedAccumulator, bytes calldata data) external {
        if (isStopped) revert Stopped();
        _checkSubmitter();
        _checkTime(l2Time);
        uint32 slots = _slots(data.length);

        (uint64 start, uint64 index) = (consumedCount, batchCount);
        if (queueEnd < start) revert QueueEndBackwards(queueEnd, start);
        if (queueEnd > entryCount) revert QueueEndBeyond(queueEnd, entryCount);
        _checkDue(l2Time, start, queueEnd, slots);

        bytes32 dataRoot = DataRoot.compute(data);
        bytes32 hash = keccak256(abi.encode(l2Time, queueEnd, slots, dataRoot));
        (bytes32 chained, uint64 steps) = _chain(hash, start, queueEnd);
        if (chained != expectedAccumulator) revert AccumulatorMismatch(chained, expectedAccumulator);
        // M-9: one step begins the batch, each slot is absorbed or verified once and executed once.
        steps += 1 + 2 * uint64(slots);

        batchHash[index] = hash;
        (consumedCount, batchCount, lastL2Time) = (queueEnd, index + 1, l2Time);
        accumulator = chained;
        if (openedAt == 0) openedAt = uint32(block.timestamp);
        openSteps += steps;
        emit BatchSubmitted(index, hash, l2Time, queueEnd, slots, dataRoot, chained);
        if (slots != 0) emit BatchData(index, PackedSlots.pack(data));
        if (_canClose()) _close();
    }

    /// @inheritdoc IInbox
    function closeEpoch() external {
        if (!_canClose()) revert EpochOpen(epochCount);
        _close();
    }

    /// @inheritdoc IInbox
    function enqueueDeposit(address sender, address account, uint64 units) external returns (uint64) {
        if (msg.sender != _addressArgument(BRIDGE)) revert NotBridge(msg.sender);
        return _enqueue(OP_DEPOSIT, sender, account, units, 0, 0);
    }

    /// @inheritdoc IInbox
    function force(bytes calldata slots) external payable returns (uint64 index) {
        uint32 count = _slots(slots.length);
        if (count == 0 || count > MAX_FORCED_SLOTS) revert ForcedSlots(count);
        uint256 fee = forcedFee(count);
        if (msg.value < fee) revert ForcedFee(msg.value, fee);

        index = _enqueue(OP_FORCED, msg.sender, address(0), 0, count, DataRoot.compute(slots));
        emit ForcedData(index, slots);
        // The fee stays here for good. Paid to an operator, it would let the operator fill the queue, and price others out, for free.
        if (msg.value > fee) {
            (bool ok,) = msg.sender.call{value: msg.value - fee}("");
            if (!ok) revert RefundFailed(msg.sender, msg.value - fee);
        }
    }

    /// @inheritdoc IInbox
    function linkAgent(uint256 agentId) external returns (uint64) {
        address registry = _addressArgument(IDENTITY_REGISTRY);
        if (registry == address(0)) revert LinkingDisabled();
        if (agentId >= MAX_UNITS) revert AgentIdTooLarge(agentId);
        if (!_isAuthorized(registry, msg.sender, agentId)) revert NotAgentOwner(msg.sender, agentId);
        return _enqueue(OP_LINK_AGENT, msg.sender, address(0), uint64(agentId), 0, 0);
    }

    /// @inheritdoc IInbox
    function sweepFees() external returns (uint64 index) {
        address recipient = _addressArgument(FEE_RECIPIENT);
        if (recipient == address(0)) revert SweepingDisabled();
        if (sweepEnd > consumedCount) revert SweepPending(sweepEnd - 1);
        index = _enqueue(OP_SWEEP_FEES, msg.sender, recipient, 0, 0, 0);
        sweepEnd = index + 1;
    }

    /// @inheritdoc IInbox
    function stop() external {
        if (msg.sender != _addressArgument(EXODUS)) revert NotExodus(msg.sender);
        isStopped = true;
        emit ChainStopped();
    }

    /// @inheritdoc IInbox
    function forcedFee(uint256 slots) public view returns (uint256) {
        uint256 waiting = entryCount - consumedCount;
        uint256 scaled = slots * _argument(FORCED_SLOT_FEE) * (FEE_DOUBLING_ENTRIES + waiting);
        return (scaled + FEE_DOUBLING_ENTRIES - 1) / FEE_DOUBLING_ENTRIES;
    }

    /// @inheritdoc IInbox
    function epochEnd(uint64 epoch) external view returns (uint64) {
        return _closed(epoch).batchEnd;
    }

    /// @inheritdoc IInbox
    function epochTrace(uint64 epoch) external view returns (uint64) {
        return _closed(epoch).steps;
    }

    /// @inheritdoc IInbox
    function epochAccumulator(uint64 epoch) external view returns (bytes32) {
        return _closed(epoch).accumulator;
    }

    /// @inheritdoc IInbox
    function openedAtOf(uint64 epoch) external view returns (uint64) {
        return epoch == epochCount ? openedAt : _closed(epoch).openedAt;
    }

    /// @inheritdoc IInbox
    function oldestEntryAt() external view returns (uint64) {
        if (consumedCount == entryCount) return 0;
        return EntryHash.dueTimeOf(entryHash[consumedCount]) - uint64(_argument(INCLUSION_DELAY));
    }

    /// @inheritdoc IInbox
    function domainSeparator() external view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256("agnt2"), keccak256("1"), block.chainid, address(this)));
    }

    /// @inheritdoc IInbox
    function config() external view returns (InboxConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (InboxConfig));
    }

    /// Called before anything is read: what is asked may call back.
    function _checkSubmitter() private {
        address auth = _addressArgument(SEQUENCER_AUTH);
        if (auth != address(0)) {
            if (!ISequencerAuth(auth).onBatch(msg.sender, batchCount)) revert NotSequencer(msg.sender);
        } else {
            address sequencer = _addressArgument(SEQUENCER);
            if (sequencer != address(0) && sequencer != msg.sender) revert NotSequencer(msg.sender);
        }
    }

    function _checkTime(uint32 l2Time) private view {
        if (l2Time < lastL2Time) revert L2TimeBackwards(l2Time, lastL2Time);
        if (l2Time > block.timestamp + MAX_LEAD_SECONDS) {
            revert L2TimeAhead(l2Time, block.timestamp + MAX_LEAD_SECONDS);
        }
        if (l2Time + MAX_LAG_SECONDS < block.timestamp) revert L2TimeBehind(l2Time, block.timestamp - MAX_LAG_SECONDS);
    }

    /// Due times never fall along the queue, so the first entry that is left out decides.
    function _checkDue(uint32 l2Time, uint64 start, uint64 queueEnd, uint32 slots) private view {
        if (queueEnd == entryCount) return;
        uint32 dueTime = EntryHash.dueTimeOf(entryHash[queueEnd]);
        if (dueTime > l2Time) return;
        if (slots == 0 && queueEnd - start >= MAX_BATCH_ENTRIES) return;
        revert EntryDue(queueEnd, dueTime, l2Time);
    }

    /// The next accumulator, and the steps that the consumed entries take: one each, and two for every forced slot (M-9).
    function _chain(bytes32 hash, uint64 start, uint64 queueEnd) private view returns (bytes32, uint64 steps) {
        bytes32[] memory words = new bytes32[](2 + queueEnd - start);
        words[0] = accumulator;
        words[1] = hash;
        steps = queueEnd - start;
        for (uint64 i = start; i < queueEnd; ++i) {
            bytes32 entry = entryHash[i];
            words[2 + i - start] = entry;
            steps += 2 * EntryHash.slotsOf(entry);
        }
        return (keccak256(abi.encodePacked(words)), steps);
    }

    function _canClose() private view returns (bool) {
        if (openedAt == 0) return false;
        return openSteps >= _argument(EPOCH_STEPS) || block.timestamp >= openedAt + _argument(EPOCH_AGE);
    }

    function _close() private {
        (uint64 epoch, uint64 end, uint64 steps) = (epochCount, batchCount, openSteps);
        epochs[epoch] = Epoch({batchEnd: end, steps: steps, openedAt: openedAt, accumulator: accumulator});
        (epochCount, openSteps, openedAt) = (epoch + 1, 0, 0);
        emit EpochClosed(epoch, end, steps);
    }

    function _closed(uint64 epoch) private view returns (Epoch storage) {
        if (epoch >= epochCount) revert EpochNotClosed(epoch);
        return epochs[epoch];
    }

    function _enqueue(uint256 kind, address sender, address account, uint64 value, uint32 slots, bytes32 dataRoot)
        private
        returns (uint64 index)
    {
        if (isStopped) revert Stopped();
        index = entryCount;
        uint32 dueTime = uint32(block.timestamp + _argument(INCLUSION_DELAY));
        entryHash[index] = EntryHash.compute(uint8(kind), sender, account, value, slots, dataRoot, dueTime);
        entryCount = index + 1;
        emit EntryQueued(index, uint8(kind), sender, account, value, slots, dataRoot, dueTime);
    }

    /// A registry may revert for an agent that does not exist: that is a no as well.
    function _isAuthorized(address registry, address caller, uint256 agentId) private view returns (bool) {
        try IIdentityRegistry(registry).isAuthorizedOrOwner(caller, agentId) returns (bool yes) {
            return yes;
        } catch {
            return false;
        }
    }

    /// The number of slots in so many bytes; at most what fits into a transaction's gas.
    function _slots(uint256 length) private pure returns (uint32) {
        if (length % SLOT_BYTES != 0) revert LengthNotSlots(length);
        return uint32(length / SLOT_BYTES);
    }
}
