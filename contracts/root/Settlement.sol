// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInbox} from "../interfaces/IInbox.sol";
import {Claim, ISettlement, Round, SettlementConfig} from "../interfaces/ISettlement.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// The claims of one chain. See `ISettlement`.
/// @dev Rivals block each other, and nothing here decides between them. A stand-off lasts as long as both sides leave their bonds in:
/// who takes a bond back gives way. An honest backer can therefore always keep a false claim from being confirmed, and nobody's bond
/// is ever stuck; but a false claim that nobody answers is confirmed.
contract Settlement is ISettlement, CloneArguments {
    /// Every 32 bonds in a round, the next one costs one first bond more.
    uint256 public constant BOND_STEP_ENTRIES = 32;
    /// RULES N-3: the root of the empty state, `keccak256(four zero words, TAG_ROOT)`.
    bytes32 public constant GENESIS_ROOT =
        keccak256(abi.encodePacked(bytes32(0), bytes32(0), bytes32(0), bytes32(0), bytes1(0xff)));

    // Words of SettlementConfig.
    uint256 private constant INBOX = 0;
    uint256 private constant BOND = 2;
    uint256 private constant WINDOW = 3;
    uint256 private constant CONFIG_WORDS = 7;

    /// Zero while the genesis claim is the last one.
    bytes32 private lastConfirmed;
    uint64 private confirmedEpochs;
    mapping(bytes32 claimId => Claim) private claimOf;
    mapping(bytes32 parentClaim => Round) private roundOf;
    mapping(bytes32 claimId => mapping(address backer => uint256)) private bonds;

    /// @inheritdoc ISettlement
    function claim(bytes32 parentClaim, uint64 epoch, bytes32 postState, bytes32 epochAccumulator)
        external
        payable
        returns (bytes32 claimId)
    {
        uint64 expected = _epochAfter(parentClaim);
        if (epoch != expected) revert WrongEpoch(epoch, expected);
        if (_isDecided(parentClaim, epoch)) revert Decided(parentClaim);
        bytes32 accumulator = IInbox(_addressArgument(INBOX)).epochAccumulator(epoch);
        if (epochAccumulator != accumulator) revert WrongAccumulator(epochAccumulator, accumulator);

        claimId = claimIdOf(parentClaim, epoch, postState);
        Round storage round = _openRound(parentClaim);
        Claim storage made = claimOf[claimId];
        if (made.claimedAt == 0) {
            if (block.timestamp >= round.closesAt) revert RoundClosed(parentClaim, round.closesAt);
            (made.parent, made.stateRoot) = (parentClaim, postState);
            (made.epoch, made.claimedAt) = (epoch, uint32(block.timestamp));
            emit Claimed(claimId, parentClaim, epoch, postState, round.closesAt);
        }
        _addBacker(claimId, made, round);
    }

    /// @inheritdoc ISettlement
    function back(bytes32 claimId) external payable {
        Claim storage backed = _known(claimId);
        if (_isDecided(backed.parent, backed.epoch)) revert Decided(claimId);
        _addBacker(claimId, backed, _openRound(backed.parent));
    }

    /// @inheritdoc ISettlement
    function retract(bytes32 claimId, address to) external {
        Claim storage given = _known(claimId);
        if (_isDecided(given.parent, given.epoch)) revert Decided(claimId);
        Round storage round = roundOf[given.parent];
        if (block.timestamp < round.closesAt) revert RoundNotClosed(given.parent, round.closesAt);
        (bytes32 confirmed,,) = latestConfirmed();
        if (round.liveClaims < 2 && given.parent == confirmed) revert NotBlocked(claimId);

        uint256 bond = _takeBond(claimId);
        given.backers -= 1;
        if (given.backers == 0) round.liveClaims -= 1;
        round.closesAt = uint32(block.timestamp + _argument(WINDOW));
        emit Retracted(claimId, msg.sender, bond);
        _pay(to, bond);
    }

    /// @inheritdoc ISettlement
    function confirm(bytes32 claimId) external {
        Claim storage candidate = _known(claimId);
        if (candidate.epoch < confirmedEpochs) revert Decided(claimId);
        (bytes32 confirmed,,) = latestConfirmed();
        if (candidate.parent != confirmed) revert ParentNotConfirmed(candidate.parent);
        Round storage round = roundOf[confirmed];
        if (candidate.backers == 0) revert NoLiveBacker(claimId);
        if (round.liveClaims != 1) revert LiveRivals(confirmed, round.liveClaims);
        if (block.timestamp < round.closesAt) revert RoundNotClosed(confirmed, round.closesAt);

        candidate.confirmedAt = uint32(block.timestamp);
        (lastConfirmed, confirmedEpochs) = (claimId, candidate.epoch + 1);
        emit Confirmed(claimId, candidate.epoch, candidate.stateRoot);
    }

    /// @inheritdoc ISettlement
    function withdrawBond(bytes32 claimId, address to) external {
        Claim storage decided = _known(claimId);
        if (!_isDecided(decided.parent, decided.epoch)) revert BondLocked(claimId);
        uint256 bond = _takeBond(claimId);
        emit BondWithdrawn(claimId, msg.sender, to, bond);
        _pay(to, bond);
    }

    /// @inheritdoc ISettlement
    function genesisClaim() public view returns (bytes32) {
        // Epoch "minus one", and no parent.
        return claimIdOf(0, type(uint64).max, GENESIS_ROOT);
    }

    /// @inheritdoc ISettlement
    function claimIdOf(bytes32 parentClaim, uint64 epoch, bytes32 postState) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, _addressArgument(INBOX), parentClaim, epoch, postState));
    }

    /// @inheritdoc ISettlement
    function latestConfirmed() public view returns (bytes32 claimId, uint64 nextEpoch, bytes32 stateRoot) {
        (claimId, nextEpoch) = (lastConfirmed, confirmedEpochs);
        if (nextEpoch == 0) return (genesisClaim(), 0, GENESIS_ROOT);
        stateRoot = claimOf[claimId].stateRoot;
    }

    /// @inheritdoc ISettlement
    function confirmedState(bytes32 claimId) external view returns (bytes32 stateRoot, uint32 confirmedAt) {
        Claim storage confirmed = claimOf[claimId];
        (stateRoot, confirmedAt) = (confirmed.stateRoot, confirmed.confirmedAt);
        if (confirmedAt == 0) revert NotConfirmed(claimId);
    }

    /// @inheritdoc ISettlement
    function canConfirm(bytes32 claimId) external view returns (bool) {
        Claim storage candidate = claimOf[claimId];
        (bytes32 confirmed,,) = latestConfirmed();
        Round storage round = roundOf[confirmed];
        return candidate.backers != 0 && candidate.parent == confirmed && candidate.epoch == confirmedEpochs
            && round.liveClaims == 1 && block.timestamp >= round.closesAt;
    }

    /// @inheritdoc ISettlement
    function bondFor(bytes32 parentClaim) external view returns (uint256) {
        Round storage round = roundOf[parentClaim];
        return _bond(round.liveClaims == 0 ? 0 : round.entries);
    }

    /// @inheritdoc ISettlement
    function bondOf(bytes32 claimId, address backer) external view returns (uint256) {
        return bonds[claimId][backer];
    }

    /// @inheritdoc ISettlement
    function claims(bytes32 claimId) external view returns (Claim memory) {
        return claimOf[claimId];
    }

    /// @inheritdoc ISettlement
    function rounds(bytes32 parentClaim) external view returns (Round memory) {
        return roundOf[parentClaim];
    }

    /// @inheritdoc ISettlement
    function config() external view returns (SettlementConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (SettlementConfig));
    }

    /// The round under a parent; a new one if there is none, or if all of its claims were given up.
    function _openRound(bytes32 parentClaim) private returns (Round storage round) {
        round = roundOf[parentClaim];
        if (round.liveClaims == 0) {
            round.closesAt = uint32(block.timestamp + _argument(WINDOW));
            round.entries = 0;
        }
    }

    /// The caller has checked that the claim exists and is not decided.
    function _addBacker(bytes32 claimId, Claim storage backed, Round storage round) private {
        uint256 bond = _bond(round.entries);
        if (msg.value < bond) revert BondTooSmall(msg.value, bond);
        if (bonds[claimId][msg.sender] != 0) revert AlreadyBacking(claimId, msg.sender);

        bonds[claimId][msg.sender] = msg.value;
        round.entries += 1;
        if (backed.backers == 0) round.liveClaims += 1;
        backed.backers += 1;
        emit Backed(claimId, msg.sender, msg.value);
    }

    function _takeBond(bytes32 claimId) private returns (uint256 bond) {
        bond = bonds[claimId][msg.sender];
        if (bond == 0) revert NotBacking(claimId, msg.sender);
        delete bonds[claimId][msg.sender];
    }

    function _pay(address to, uint256 amountWei) private {
        (bool ok,) = to.call{value: amountWei}("");
        if (!ok) revert PaymentFailed(to, amountWei);
    }

    /// B(1 + n/32), rounded up.
    function _bond(uint256 entries) private view returns (uint256) {
        return (_argument(BOND) * (BOND_STEP_ENTRIES + entries) + BOND_STEP_ENTRIES - 1) / BOND_STEP_ENTRIES;
    }

    /// Whether claims of `epoch` on top of this parent are past: another or one of them is confirmed, or the parent has lost.
    function _isDecided(bytes32 parentClaim, uint64 epoch) private view returns (bool) {
        (bytes32 confirmed, uint64 next,) = latestConfirmed();
        return epoch < next || (epoch == next && parentClaim != confirmed);
    }

    function _epochAfter(bytes32 parentClaim) private view returns (uint64) {
        if (parentClaim == genesisClaim()) return 0;
        return _known(parentClaim).epoch + 1;
    }

    function _known(bytes32 claimId) private view returns (Claim storage known) {
        known = claimOf[claimId];
        if (known.claimedAt == 0) revert UnknownClaim(claimId);
    }
}
