// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBatchMeter, Watch} from "../interfaces/IBatchMeter.sol";
import {IBountyMeter} from "../interfaces/IBountyMeter.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {ISequencerSet, SequencerSetConfig} from "../interfaces/ISequencerSet.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";

/// Pays a sequencer by its confirmed batches. See `IBatchMeter`.
contract BatchMeter is IBatchMeter {
    mapping(address board => mapping(uint256 id => Watch)) private watches;

    /// @inheritdoc IBountyMeter
    function begin(uint256 id, address operator, uint256, bytes calldata params) external {
        Watch memory watch;
        (watch.settlement, watch.sequencerSet, watch.silenceSeconds, watch.graceSeconds) =
            abi.decode(params, (address, address, uint32, uint32));
        watch.inbox = ISettlement(watch.settlement).config().inbox;
        SequencerSetConfig memory set = ISequencerSet(watch.sequencerSet).config();
        if (set.inbox != watch.inbox) revert WrongInbox(set.inbox, watch.inbox);
        (watch.operator, watch.beganAt, watch.slotSeconds) = (operator, uint64(block.timestamp), set.slotSeconds);
        // Batches that are posted and not confirmed are somebody else's expense.
        watch.before = uint64(ISequencerSet(watch.sequencerSet).workOf(operator, type(uint64).max));
        watches[msg.sender][id] = watch;
        emit Begun(msg.sender, id, operator, watch.before);
    }

    /// @inheritdoc IBountyMeter
    function unitsOf(address board, uint256 id) external view returns (uint256) {
        Watch storage watch = watches[board][id];
        if (watch.settlement == address(0)) return 0;
        (, uint64 epochs,) = ISettlement(watch.settlement).latestConfirmed();
        if (epochs == 0) return 0;
        uint64 batchEnd = IInbox(watch.inbox).epochEnd(epochs - 1);
        uint256 work = ISequencerSet(watch.sequencerSet).workOf(watch.operator, batchEnd);
        return work > watch.before ? work - watch.before : 0;
    }

    /// @inheritdoc IBountyMeter
    function hasFailed(address board, uint256 id) external view returns (bool) {
        Watch storage watch = watches[board][id];
        if (watch.settlement == address(0) || IInbox(watch.inbox).isStopped()) return false;
        ISequencerSet set = ISequencerSet(watch.sequencerSet);
        if (set.operators(watch.operator).isSlashed) return true;
        uint256 beganAt = watch.beganAt;
        if (block.timestamp < beganAt + watch.graceSeconds) return false;
        uint256 workedAt = set.lastBatchAt(watch.operator);
        if (workedAt < beganAt) workedAt = beganAt;
        uint256 silence = watch.silenceSeconds;
        // A whole slot of its own has to have passed, however long the row has become.
        uint256 turn = (set.operatorCount() + 1) * watch.slotSeconds;
        return block.timestamp >= workedAt + (silence > turn ? silence : turn);
    }

    /// @inheritdoc IBatchMeter
    function watchOf(address board, uint256 id) external view returns (Watch memory) {
        return watches[board][id];
    }
}
