// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    DEPTH_AGENT,
    DEPTH_CHANNEL,
    DEPTH_INVOCATION,
    DEPTH_SYSTEM,
    DEPTH_WITHDRAWAL,
    DEPTH_WORKFLOW,
    INVOCATION_STATUS_ANSWERED,
    KIND_AGENT,
    KIND_CHANNEL,
    KIND_INVOCATION,
    KIND_SYSTEM,
    KIND_WITHDRAWAL,
    KIND_WORKFLOW,
    LEAF_MACHINE,
    OP_DEPOSIT,
    WORKFLOW_STATUS_OPEN,
    WORKFLOW_STATUS_SUCCEEDED
} from "../generated/Constants.sol";
import {
    AGENT_BALANCE,
    AGENT_OWNER,
    CHANNEL_A,
    CHANNEL_B,
    CHANNEL_DEPOSIT_A,
    CHANNEL_DEPOSIT_B,
    CHANNEL_ID,
    INVOCATION_ID,
    INVOCATION_PRICE,
    INVOCATION_PROVIDER,
    INVOCATION_REQUESTER,
    INVOCATION_STATUS,
    INVOCATION_WORKFLOW_ID,
    INVOCATION_WORKFLOW_SLOT,
    MACHINE_FEE_BALANCE,
    MACHINE_INBOX_CURSOR,
    WITHDRAWAL_AMOUNT,
    WITHDRAWAL_RECIPIENT,
    WORKFLOW_ANSWERED,
    WORKFLOW_ESCROW,
    WORKFLOW_EXPECTED,
    WORKFLOW_ID,
    WORKFLOW_OWNER,
    WORKFLOW_STATUS
} from "../generated/LeafFields.sol";
import {IChannelAdjudicator} from "../interfaces/IChannelAdjudicator.sol";
import {IBridge} from "../interfaces/IBridge.sol";
import {ExodusConfig, IExodus} from "../interfaces/IExodus.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {L1Entry, LeafOpening} from "../interfaces/IOneStepProver.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {EntryHash} from "../libraries/EntryHash.sol";
import {LeafReader} from "../libraries/LeafReader.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// Pays everyone of a chain that stands still. See `IExodus`. What was paid is remembered by the Bridge.
contract Exodus is IExodus, CloneArguments {
    // Words of ExodusConfig.
    uint256 private constant INBOX = 0;
    uint256 private constant SETTLEMENT = 1;
    uint256 private constant BRIDGE = 2;
    uint256 private constant FEE_RECIPIENT = 3;
    uint256 private constant DELAY = 4;
    uint256 private constant PAYOUT_DELAY = 5;
    uint256 private constant ADJUDICATOR = 6;
    uint256 private constant CONFIG_WORDS = 7;

    /// @inheritdoc IExodus
    uint64 public declaredAt;
    /// @inheritdoc IExodus
    uint64 public payableAt;
    /// @inheritdoc IExodus
    bytes32 public claimId;
    /// @inheritdoc IExodus
    bytes32 public stateRoot;

    /// @inheritdoc IExodus
    function declare() external {
        if (declaredAt != 0) revert AlreadyDeclared(declaredAt);
        uint64 since = pendingSince();
        if (since == 0) revert NothingPending();
        uint256 from = declarableAt();
        if (block.timestamp < from) revert TooEarly(from);
        declaredAt = uint64(block.timestamp);
        emit Declared(since);
        _inbox().stop();
    }

    /// @inheritdoc IExodus
    function finalise() external {
        if (declaredAt == 0) revert NotDeclared();
        if (payableAt != 0) revert AlreadyFinalised(claimId);
        ISettlement settlement = _settlement();
        (bytes32 confirmed,, bytes32 root) = settlement.latestConfirmed();
        // The Settlement opens no round any more. So if there is none under the last confirmed claim, or all claims of it fell, there
        // is nothing left that could be confirmed, ever. A claim that only waits for the call `confirm` holds this up: otherwise who
        // gains by an older state could come first.
        uint32 round = settlement.rounds(confirmed).number;
        if (settlement.currentRound(confirmed) == round) revert RoundOpen(confirmed, round);
        payableAt = uint64(block.timestamp + _argument(PAYOUT_DELAY));
        (claimId, stateRoot) = (confirmed, root);
        emit Finalised(confirmed, root, payableAt);
    }

    /// @inheritdoc IExodus
    function payLeaf(LeafOpening calldata leaf, LeafOpening[] calldata context) external {
        bytes32 root = _payableState();
        uint256 kind = leaf.kind;
        address to;
        uint256 units;
        if (kind == KIND_AGENT) {
            _verify(root, 0, leaf, DEPTH_AGENT);
            (to, units) = (_addressField(leaf, AGENT_OWNER), _field(leaf, AGENT_BALANCE));
        } else if (kind == KIND_INVOCATION) {
            _verify(root, 0, leaf, DEPTH_INVOCATION);
            // A free slot has an id of zero, and a word of it that looks like a requester.
            units = _field(leaf, INVOCATION_ID) == 0 ? 0 : _field(leaf, INVOCATION_PRICE);
            to = _payeeOfCall(root, leaf, context);
        } else if (kind == KIND_WORKFLOW) {
            _verify(root, 0, leaf, DEPTH_WORKFLOW);
            // Only an OPEN one has any left: COMPOSE gives the rest back.
            units = _field(leaf, WORKFLOW_ESCROW);
            to = _ownerOf(root, _field(leaf, WORKFLOW_OWNER), context, 0);
        } else if (kind == KIND_SYSTEM) {
            _verifyMachine(root, 0, leaf);
            (to, units) = (_addressArgument(FEE_RECIPIENT), _field(leaf, MACHINE_FEE_BALANCE));
        } else if (kind == KIND_WITHDRAWAL) {
            _verify(root, 0, leaf, DEPTH_WITHDRAWAL);
            (to, units) = (_addressField(leaf, WITHDRAWAL_RECIPIENT), _field(leaf, WITHDRAWAL_AMOUNT));
        } else if (kind == KIND_CHANNEL) {
            return _payChannel(root, leaf, context);
        } else {
            revert KindNotPaid(leaf.kind);
        }
        if (units == 0) revert NothingOwed(leaf.kind, leaf.index);
        _pay(leaf.kind, leaf.index, to, uint64(units));
    }

    /// @inheritdoc IExodus
    function refundDeposit(uint64 index, L1Entry calldata entry, LeafOpening calldata machine) external {
        _verifyMachine(_payableState(), 0, machine);
        uint64 cursor = uint64(_field(machine, MACHINE_INBOX_CURSOR));
        if (index < cursor) revert EntryConsumed(index, cursor);
        bytes32 given = EntryHash.compute(
            entry.kind, entry.sender, entry.account, entry.value, entry.slots, entry.dataRoot, entry.dueTime
        );
        bytes32 expected = _inbox().entryHash(index);
        if (given != expected) revert BadEntry(index, given, expected);
        if (entry.kind != OP_DEPOSIT) revert NotDeposit(index);
        _pay(entry.kind, index, entry.sender, entry.value);
    }

    /// @inheritdoc IExodus
    function pendingSince() public view returns (uint64 since) {
        IInbox inbox = _inbox();
        (, uint64 nextEpoch,) = _settlement().latestConfirmed();
        since = inbox.openedAtOf(nextEpoch);
        uint64 oldestEntry = inbox.oldestEntryAt();
        if (since == 0 || (oldestEntry != 0 && oldestEntry < since)) since = oldestEntry;
    }

    /// @inheritdoc IExodus
    function declarableAt() public view returns (uint256) {
        uint256 from = pendingSince();
        if (from == 0) return 0;
        ISettlement settlement = _settlement();
        (bytes32 confirmed,,) = settlement.latestConfirmed();
        // 0 for the genesis claim, which nobody confirmed.
        uint256 confirmedAt = settlement.claims(confirmed).confirmedAt;
        return (confirmedAt > from ? confirmedAt : from) + _argument(DELAY);
    }

    /// @inheritdoc IExodus
    function config() external view returns (ExodusConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (ExodusConfig));
    }

    /// Hands a channel over with its money: on L1 both sides close it as they would have in Layer Core.
    function _payChannel(bytes32 root, LeafOpening calldata leaf, LeafOpening[] calldata context) private {
        _verify(root, 0, leaf, DEPTH_CHANNEL);
        // A free slot has an id of zero.
        uint256 units = _field(leaf, CHANNEL_DEPOSIT_A) + _field(leaf, CHANNEL_DEPOSIT_B);
        if (_field(leaf, CHANNEL_ID) == 0 || units == 0) revert NothingOwed(leaf.kind, leaf.index);
        if (context.length != 2) revert WrongContext(context.length, 2);
        address partyA = _verifyOwner(root, _field(leaf, CHANNEL_A), context, 0);
        address partyB = _verifyOwner(root, _field(leaf, CHANNEL_B), context, 1);
        address adjudicator = _addressArgument(ADJUDICATOR);
        _pay(leaf.kind, leaf.index, adjudicator, uint64(units));
        IChannelAdjudicator(adjudicator).importExodus(partyA, partyB, leaf.words);
    }

    /// Who would have got the price of a call, had the chain gone on without another word of its parties.
    function _payeeOfCall(bytes32 root, LeafOpening calldata invocation, LeafOpening[] calldata context)
        private
        pure
        returns (address)
    {
        uint256 workflowId = _field(invocation, INVOCATION_WORKFLOW_ID);
        bool toProvider;
        if (workflowId == 0) {
            // Under review, which nobody can end any more: TO-4. Not answered: TO-2.
            toProvider = _field(invocation, INVOCATION_STATUS) == INVOCATION_STATUS_ANSWERED;
        } else {
            if (context.length == 0) revert WrongContext(0, 2);
            LeafOpening calldata workflow = context[0];
            if (
                workflow.kind != KIND_WORKFLOW || workflow.index != _field(invocation, INVOCATION_WORKFLOW_SLOT)
                    || _field(workflow, WORKFLOW_ID) != workflowId
            ) revert WrongLeaf(1, workflow.kind, workflow.index);
            _verify(root, 1, workflow, DEPTH_WORKFLOW);
            uint256 status = _field(workflow, WORKFLOW_STATUS);
            // CO-3, CL-3.
            toProvider = status == WORKFLOW_STATUS_SUCCEEDED
                || (status == WORKFLOW_STATUS_OPEN
                    && _field(workflow, WORKFLOW_ANSWERED) == _field(workflow, WORKFLOW_EXPECTED));
        }
        uint256 agent = _field(invocation, toProvider ? INVOCATION_PROVIDER : INVOCATION_REQUESTER);
        return _ownerOf(root, agent, context, workflowId == 0 ? 0 : 1);
    }

    /// The owner of an agent, whose leaf is the last of the context.
    function _ownerOf(bytes32 root, uint256 agent, LeafOpening[] calldata context, uint256 place)
        private
        pure
        returns (address)
    {
        if (context.length != place + 1) revert WrongContext(context.length, place + 1);
        return _verifyOwner(root, agent, context, place);
    }

    /// The owner of an agent, whose leaf is at this place of the context.
    function _verifyOwner(bytes32 root, uint256 agent, LeafOpening[] calldata context, uint256 place)
        private
        pure
        returns (address)
    {
        LeafOpening calldata leaf = context[place];
        if (leaf.kind != KIND_AGENT || leaf.index != agent) revert WrongLeaf(place + 1, leaf.kind, leaf.index);
        _verify(root, place + 1, leaf, DEPTH_AGENT);
        return _addressField(leaf, AGENT_OWNER);
    }

    function _verifyMachine(bytes32 root, uint256 place, LeafOpening calldata leaf) private pure {
        if (leaf.kind != KIND_SYSTEM || leaf.index != LEAF_MACHINE) revert WrongLeaf(place, leaf.kind, leaf.index);
        _verify(root, place, leaf, DEPTH_SYSTEM);
    }

    function _verify(bytes32 root, uint256 place, LeafOpening calldata leaf, uint256 depth) private pure {
        bytes32 computed = StateProof.rootOf(leaf.kind, depth, leaf.index, leaf.words, leaf.siblings);
        if (computed != root) revert BadProof(place, computed, root);
    }

    function _payableState() private view returns (bytes32) {
        uint256 from = payableAt;
        if (from == 0) revert NotFinalised();
        if (block.timestamp < from) revert PayoutDelayed(from);
        return stateRoot;
    }

    function _pay(uint8 kind, uint64 index, address to, uint64 units) private {
        IBridge(_addressArgument(BRIDGE)).payExodus(kind, index, to, units);
    }

    function _field(LeafOpening calldata leaf, uint256 field) private pure returns (uint256) {
        return LeafReader.get(leaf.words, field);
    }

    function _addressField(LeafOpening calldata leaf, uint256 field) private pure returns (address) {
        return LeafReader.getAddress(leaf.words, field);
    }

    function _inbox() private view returns (IInbox) {
        return IInbox(_addressArgument(INBOX));
    }

    function _settlement() private view returns (ISettlement) {
        return ISettlement(_addressArgument(SETTLEMENT));
    }
}
