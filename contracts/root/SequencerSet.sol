// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInbox} from "../interfaces/IInbox.sol";
import {ISequencerAuth} from "../interfaces/ISequencerAuth.sol";
import {Head, ISequencerSet, Operator, SequencerSetConfig} from "../interfaces/ISequencerSet.sol";
import {CompactSignature} from "../libraries/CompactSignature.sol";
import {EtherCredit} from "../libraries/EtherCredit.sol";
import {WorkLibrary, WorkLog} from "../libraries/WorkLog.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// The operators of one chain. See `ISequencerSet`.
contract SequencerSet is ISequencerSet, CloneArguments {
    using WorkLibrary for WorkLog;

    address public constant BURN_ADDRESS = EtherCredit.BURN_ADDRESS;

    bytes32 private constant HEAD_TYPEHASH = keccak256("Head(uint64 slot,uint64 position,bytes32 head)");

    // Words of SequencerSetConfig.
    uint256 private constant INBOX = 0;
    uint256 private constant OPERATOR_BOND = 1;
    uint256 private constant SLOT = 2;
    uint256 private constant VACANCY = 3;
    uint256 private constant GRACE = 4;
    uint256 private constant UNBONDING = 5;
    uint256 private constant CONFIG_WORDS = 6;

    /// The leaders of three slots, written down before the row changes in the middle one.
    struct Fixed {
        /// The middle one; 0 before the first change.
        uint64 slot;
        /// Place in the row of the leader of slot + 2; those after it follow.
        uint64 nextPlace;
        address previous;
        address current;
        address next;
    }

    /// @inheritdoc ISequencerSet
    uint64 public activeAt;
    /// @inheritdoc ISequencerSet
    uint64 public ledSlot;
    Fixed private turns;
    address[] private row;
    mapping(address operator => Operator) private operatorOf;
    /// @inheritdoc ISequencerSet
    mapping(address account => uint256) public credit;
    /// @inheritdoc ISequencerSet
    uint256 public burned;
    /// Outlasts what an operator is: leaving, coming back and being slashed change nothing about what it did.
    mapping(address operator => WorkLog) private workLogOf;

    /// @inheritdoc ISequencerAuth
    function onBatch(address submitter, uint64 batchIndex) external returns (bool) {
        if (msg.sender != _addressArgument(INBOX)) revert NotInbox(msg.sender);
        (bool may, bool leads) = _rights(submitter, block.timestamp);
        if (!may) return false;
        // A stranger's batch does not end a vacancy: it goes on until an operator works again. Nor is it anybody's work.
        if (leads) (activeAt, ledSlot) = (uint64(block.timestamp), currentSlot());
        else if (operatorOf[submitter].place != 0) activeAt = uint64(block.timestamp);
        else return true;
        workLogOf[submitter].note(batchIndex, _argument(SLOT));
        return true;
    }

    /// @inheritdoc ISequencerSet
    function join(address signer) external payable {
        uint256 bond = _argument(OPERATOR_BOND);
        if (msg.value != bond) revert WrongBond(msg.value, bond);
        if (signer == address(0)) revert ZeroSigner();
        Operator storage operator = operatorOf[msg.sender];
        if (operator.isSlashed) revert OperatorSlashed(msg.sender);
        if (operator.joinedAt != 0) revert AlreadyOperator(msg.sender);

        _fixTurns();
        row.push(msg.sender);
        (operator.signer, operator.joinedAt, operator.place) = (signer, uint64(block.timestamp), uint32(row.length));
        // Before, anyone could submit: the first operator has as long as any to begin.
        if (row.length == 1) activeAt = uint64(block.timestamp);
        emit Joined(msg.sender, signer);
    }

    /// @inheritdoc ISequencerSet
    function unbond() external {
        Operator storage operator = _operator(msg.sender);
        if (operator.payableAt != 0) revert AlreadyUnbonding(msg.sender);
        uint64 payableAt = uint64(block.timestamp + _argument(UNBONDING));
        operator.payableAt = payableAt;
        _remove(operator);
        emit Unbonding(msg.sender, payableAt);
    }

    /// @inheritdoc ISequencerSet
    function withdraw(address to) external {
        Operator storage operator = _operator(msg.sender);
        uint64 payableAt = operator.payableAt;
        if (payableAt == 0 || block.timestamp < payableAt) revert BondLocked(msg.sender, payableAt);
        delete operatorOf[msg.sender];
        emit BondPaid(msg.sender, to);
        EtherCredit.send(to, _argument(OPERATOR_BOND));
    }

    /// @inheritdoc ISequencerSet
    function reportHeads(address account, Head calldata a, bytes calldata sigA, Head calldata b, bytes calldata sigB)
        external
    {
        Operator storage operator = _operator(account);
        if (a.slot != b.slot || a.position != b.position || a.head == b.head) revert NoContradiction();
        uint64 joinedSlot = uint64(operator.joinedAt / _argument(SLOT));
        if (a.slot <= joinedSlot) revert SlotBeforeBond(a.slot, joinedSlot);
        address signer = operator.signer;
        bytes32 domain = IInbox(_addressArgument(INBOX)).domainSeparator();
        _checkSignature(domain, a, sigA, signer);
        _checkSignature(domain, b, sigB, signer);

        if (operator.place != 0) _remove(operator);
        delete operatorOf[account];
        operatorOf[account].isSlashed = true;
        uint256 bond = _argument(OPERATOR_BOND);
        uint256 reward = bond / 2;
        credit[msg.sender] += reward;
        burned += bond - reward;
        emit Slashed(account, msg.sender, reward, bond - reward);
    }

    /// @inheritdoc ISequencerSet
    function withdrawCredit(address to) external {
        EtherCredit.send(to, EtherCredit.take(credit));
    }

    /// @inheritdoc ISequencerSet
    function withdrawBurned() external {
        uint256 amount = burned;
        burned = 0;
        EtherCredit.sendBurned(amount);
    }

    /// @inheritdoc ISequencerSet
    function operators(address operator) external view returns (Operator memory) {
        return operatorOf[operator];
    }

    /// @inheritdoc ISequencerSet
    function operatorCount() external view returns (uint256) {
        return row.length;
    }

    /// @inheritdoc ISequencerSet
    function operatorAt(uint256 place) external view returns (address) {
        return row[place];
    }

    /// @inheritdoc ISequencerSet
    function workOf(address operator, uint64 batchEnd) external view returns (uint256) {
        return workLogOf[operator].countBelow(batchEnd);
    }

    /// @inheritdoc ISequencerSet
    function lastBatchAt(address operator) external view returns (uint64) {
        return workLogOf[operator].lastAt;
    }

    /// @inheritdoc ISequencerAuth
    function isSequencer(address account) external view returns (bool may) {
        (may,) = _rights(account, block.timestamp);
    }

    /// @inheritdoc ISequencerSet
    function maySubmitAt(address account, uint64 time) external view returns (bool may) {
        (may,) = _rights(account, time);
    }

    /// @inheritdoc ISequencerSet
    function leaderOf(uint64 slot) external view returns (address) {
        return _leaderOf(slot);
    }

    /// @inheritdoc ISequencerSet
    function currentSlot() public view returns (uint64) {
        return uint64(block.timestamp / _argument(SLOT));
    }

    /// @inheritdoc ISequencerSet
    function config() external view returns (SequencerSetConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (SequencerSetConfig));
    }

    /// Whether it may submit at that time, and whether it does so as the leader of the slot.
    function _rights(address account, uint256 time) private view returns (bool may, bool leads) {
        if (row.length == 0) return (true, false);
        bool isVacant = time >= activeAt + _argument(VACANCY);
        if (operatorOf[account].place == 0) return (isVacant, false);
        uint256 length = _argument(SLOT);
        uint64 slot = uint64(time / length);
        address leading = _leaderOf(slot);
        if (account == leading) return (true, true);
        if (isVacant || leading == address(0)) return (true, false);
        // A leader that has begun keeps its slot to itself.
        if (ledSlot == slot) return (false, false);
        uint256 elapsed = time % length;
        may = 2 * elapsed >= length || (elapsed < _argument(GRACE) && account == _leaderOf(slot - 1));
    }

    /// Zero if nobody led it, or if who did is no operator in the row any more.
    function _leaderOf(uint64 slot) private view returns (address leading) {
        Fixed storage known = turns;
        uint64 middle = known.slot;
        if (slot > middle + 1) {
            uint256 count = row.length;
            return count == 0 ? address(0) : row[(known.nextPlace + (slot - middle - 2)) % count];
        }
        if (slot == middle + 1) leading = known.next;
        else if (slot == middle) leading = known.current;
        else if (slot + 1 == middle) leading = known.previous;
        if (operatorOf[leading].place == 0) return address(0);
    }

    /// Before the row changes: the leaders of this slot and its neighbours stay who they are, whatever follows.
    function _fixTurns() private {
        uint64 slot = currentSlot();
        Fixed storage known = turns;
        if (known.slot == slot) return;
        uint256 count = row.length;
        uint64 nextPlace = count == 0 ? 0 : uint64(_placeOf(slot + 2, count));
        turns = Fixed({
            slot: slot,
            nextPlace: nextPlace,
            previous: _leaderOf(slot - 1),
            current: _leaderOf(slot),
            next: _leaderOf(slot + 1)
        });
    }

    /// Place of the leader of a slot that is not written down.
    function _placeOf(uint64 slot, uint256 count) private view returns (uint256) {
        return (turns.nextPlace + (slot - turns.slot - 2)) % count;
    }

    /// Takes an operator out of the row: the last one takes its place.
    function _remove(Operator storage operator) private {
        _fixTurns();
        uint32 place = operator.place;
        uint256 count = row.length;
        address last = row[count - 1];
        row[place - 1] = last;
        operatorOf[last].place = place;
        row.pop();
        operator.place = 0;
        // The turns go on where they were; past the end they begin anew.
        if (turns.nextPlace + 1 >= count) turns.nextPlace = 0;
    }

    function _operator(address account) private view returns (Operator storage operator) {
        operator = operatorOf[account];
        if (operator.joinedAt == 0) revert NotOperator(account);
    }

    function _checkSignature(bytes32 domain, Head calldata head, bytes calldata signature, address signer) private pure {
        bytes32 digest = keccak256(abi.encode(HEAD_TYPEHASH, head.slot, head.position, head.head));
        digest = keccak256(abi.encodePacked(hex"1901", domain, digest));
        if (signature.length != 64) revert NotSignedBy(signer);
        (uint256 r, uint256 vs) = (uint256(bytes32(signature[:32])), uint256(bytes32(signature[32:])));
        if (CompactSignature.recover(digest, r, vs) != signer) revert NotSignedBy(signer);
    }
}
