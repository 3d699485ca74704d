// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInbox} from "../interfaces/IInbox.sol";
import {Claim, Entry, EntryView, ISettlement, PairView, PlayerView, Round, SettlementConfig} from "../interfaces/ISettlement.sol";
import {EtherCredit} from "../libraries/EtherCredit.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// The claims of one chain. See `ISettlement`.
contract Settlement is ISettlement, CloneArguments {
    /// Every 32 bonds in a round, the next one costs one first bond more.
    uint256 public constant BOND_STEP_ENTRIES = 32;
    /// RULES N-3: the root of the empty state, `keccak256(four zero words, TAG_ROOT)`.
    bytes32 public constant GENESIS_ROOT =
        keccak256(abi.encodePacked(bytes32(0), bytes32(0), bytes32(0), bytes32(0), bytes1(0xff)));
    address public constant BURN_ADDRESS = EtherCredit.BURN_ADDRESS;

    // Words of SettlementConfig.
    uint256 private constant INBOX = 0;
    uint256 private constant GAME = 1;
    uint256 private constant BOND = 2;
    uint256 private constant GAS_REFUND = 3;
    uint256 private constant REWARD_CAP = 4;
    uint256 private constant WINDOW = 5;
    uint256 private constant JOIN = 6;
    uint256 private constant CONFIG_WORDS = 7;

    /// Zero while the genesis claim is the last one.
    bytes32 private lastConfirmed;
    uint64 private confirmedEpochs;
    mapping(bytes32 claimId => Claim) private claimOf;
    mapping(bytes32 parentClaim => Round) private roundOf;
    mapping(bytes32 roundId => mapping(uint32 n => Entry)) private entryOf;
    /// @inheritdoc ISettlement
    mapping(address account => uint256) public credit;
    /// @inheritdoc ISettlement
    uint256 public burned;

    modifier onlyGame() {
        if (msg.sender != _addressArgument(GAME)) revert NotGame(msg.sender);
        _;
    }

    /// @inheritdoc ISettlement
    function claim(
        bytes32 parentClaim,
        uint32 number,
        uint64 epoch,
        bytes32 postState,
        bytes32 epochAccumulator,
        address mover
    ) external payable returns (bytes32 claimId, uint32 n) {
        _checkEpoch(parentClaim, epoch, epochAccumulator);
        Round storage round = _openRound(parentClaim, number);
        claimId = claimIdOf(parentClaim, number, epoch, postState);
        Claim storage made = claimOf[claimId];
        if (made.claimedAt == 0) {
            uint256 closesAt = round.openedAt + _argument(WINDOW);
            if (block.timestamp >= closesAt) revert RoundClosed(parentClaim, closesAt);
            (made.parent, made.stateRoot) = (parentClaim, postState);
            (made.epoch, made.round, made.claimedAt) = (epoch, number, uint64(block.timestamp));
            round.claimCount += 1;
            emit Claimed(claimId, parentClaim, number, epoch, postState);
        }
        n = _enter(claimId, made, round, mover);
    }

    /// @inheritdoc ISettlement
    function back(bytes32 claimId, address mover) external payable returns (uint32 n) {
        Claim storage backed = _known(claimId);
        _requireUndecided(backed.parent, backed.epoch);
        _requireStanding(backed.parent);
        Round storage round = roundOf[backed.parent];
        if (backed.round != round.number) revert ClaimVoid(claimId);
        n = _enter(claimId, backed, round, mover);
    }

    /// @inheritdoc ISettlement
    function confirm(bytes32 claimId) external {
        Claim storage candidate = _known(claimId);
        if (candidate.epoch < confirmedEpochs) revert Decided(claimId);
        bytes32 confirmed = _confirmedClaim();
        if (candidate.parent != confirmed) revert ParentNotConfirmed(candidate.parent);
        Round storage round = roundOf[confirmed];
        if (candidate.live == 0) revert NoLiveEntry(claimId);
        if (round.liveClaims != 1) revert LiveRivals(confirmed, round.liveClaims);
        uint256 overAt = _overAt(round);
        if (block.timestamp < overAt) revert RoundNotOver(confirmed, overAt);

        candidate.confirmedAt = uint32(block.timestamp);
        (lastConfirmed, confirmedEpochs) = (claimId, candidate.epoch + 1);
        emit Confirmed(claimId, candidate.epoch, candidate.stateRoot);
    }

    /// @inheritdoc ISettlement
    function reject(bytes32 claimId) external {
        Claim storage rejected = _known(claimId);
        if (!isVoid(claimId)) revert ClaimStands(claimId);
        if (rejected.isVoid) revert ClaimVoid(claimId);
        rejected.isVoid = true;
        emit Rejected(claimId);
    }

    /// @inheritdoc ISettlement
    function release(bytes32 roundId, uint32 n) external {
        Entry storage entry = _liveEntry(roundId, n);
        if (claimOf[entry.claimId].confirmedAt == 0 && !isVoid(entry.claimId)) revert BondLocked(roundId, n);
        uint256 bond = entry.bondWei;
        entry.bondWei = 0;
        _credit(entry.backer, bond);
    }

    /// @inheritdoc ISettlement
    function eliminate(bytes32 roundId, uint32 loser, uint32 winner) external onlyGame returns (uint256 paidWei) {
        uint256 bond = _takeOut(roundId, loser);
        uint256 refund = _refund(bond);
        uint256 reward = (bond - refund) / 2;
        uint256 cap = _argument(REWARD_CAP);
        if (reward > cap) reward = cap;
        paidWei = refund + reward;
        burned += bond - paidWei;
        emit Eliminated(roundId, loser, winner, paidWei, bond - paidWei);
        _credit(_liveEntry(roundId, winner).backer, paidWei);
    }

    /// @inheritdoc ISettlement
    function eliminateBoth(bytes32 roundId, uint32 i, uint32 j, address prover) external onlyGame {
        uint256 bondOfFirst = _takeOut(roundId, i);
        uint256 bondOfSecond = _takeOut(roundId, j);
        uint256 refund = _refund(bondOfFirst);
        burned += bondOfFirst + bondOfSecond - refund;
        emit Eliminated(roundId, i, j, refund, bondOfFirst - refund);
        emit Eliminated(roundId, j, i, 0, bondOfSecond);
        _credit(prover, refund);
    }

    /// @inheritdoc ISettlement
    function addCredit(address to) external payable onlyGame {
        _credit(to, msg.value);
    }

    /// @inheritdoc ISettlement
    function addBurned() external payable onlyGame {
        burned += msg.value;
    }

    /// @inheritdoc ISettlement
    function withdrawCredit(address to) external {
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert NothingToPay(msg.sender);
        credit[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, to, amount);
        EtherCredit.send(to, amount);
    }

    /// @inheritdoc ISettlement
    function withdrawBurned() external {
        uint256 amount = burned;
        if (amount == 0) revert NothingToPay(BURN_ADDRESS);
        burned = 0;
        emit Burned(amount);
        EtherCredit.send(BURN_ADDRESS, amount);
    }

    /// @inheritdoc ISettlement
    function genesisClaim() public view returns (bytes32) {
        // Epoch "minus one", and no parent.
        return claimIdOf(0, 0, type(uint64).max, GENESIS_ROOT);
    }

    /// @inheritdoc ISettlement
    function claimIdOf(bytes32 parentClaim, uint32 round, uint64 epoch, bytes32 postState) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, _addressArgument(INBOX), parentClaim, round, epoch, postState));
    }

    /// @inheritdoc ISettlement
    function roundIdOf(bytes32 parentClaim, uint32 round) public pure returns (bytes32) {
        return keccak256(abi.encode(parentClaim, round));
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
        bytes32 confirmed = _confirmedClaim();
        Round storage round = roundOf[confirmed];
        return candidate.live != 0 && candidate.parent == confirmed && candidate.epoch == confirmedEpochs
            && round.liveClaims == 1 && block.timestamp >= _overAt(round);
    }

    /// @inheritdoc ISettlement
    function isVoid(bytes32 claimId) public view returns (bool) {
        Claim storage asked = claimOf[claimId];
        if (asked.claimedAt == 0 || asked.confirmedAt != 0) return false;
        return asked.isVoid || asked.epoch < confirmedEpochs || _isFallen(asked) || !_isStanding(asked.parent);
    }

    /// @inheritdoc ISettlement
    function bondFor(bytes32 parentClaim) external view returns (uint256) {
        Round storage round = roundOf[parentClaim];
        return _bond(currentRound(parentClaim) == round.number ? round.entryCount : 0);
    }

    /// @inheritdoc ISettlement
    function currentRound(bytes32 parentClaim) public view returns (uint32) {
        Round storage round = roundOf[parentClaim];
        if (round.number == 0) return 1;
        return round.liveClaims == 0 && block.timestamp >= _joinEnd(round) ? round.number + 1 : round.number;
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
    function entries(bytes32 roundId, uint32 n) external view returns (Entry memory) {
        return entryOf[roundId][n];
    }

    /// @inheritdoc ISettlement
    function entryView(bytes32 roundId, uint32 n) external view returns (EntryView memory seen) {
        Entry storage entry = entryOf[roundId][n];
        if (entry.backer == address(0)) revert UnknownEntry(roundId, n);
        Claim storage on = claimOf[entry.claimId];
        (seen.backer, seen.mover, seen.enteredAt, seen.isDead) = (entry.backer, entry.mover, entry.enteredAt, entry.isDead);
        (seen.claimId, seen.stateRoot, seen.epoch) = (entry.claimId, on.stateRoot, on.epoch);
        seen.parentRoot = on.parent == genesisClaim() ? GENESIS_ROOT : claimOf[on.parent].stateRoot;
        // The claim itself may be out: only what it stands on, and its round, count here.
        Round storage round = roundOf[on.parent];
        if (on.round != round.number) return seen;
        seen.liveRivals = round.liveEntries - on.live;
        seen.isOpen = on.epoch >= confirmedEpochs && _isStanding(on.parent);
    }

    /// @inheritdoc ISettlement
    function pairView(bytes32 roundId, uint32 i, uint32 j) external view returns (PairView memory seen) {
        _fillPlayer(seen.earlier, roundId, i);
        _fillPlayer(seen.later, roundId, j);
        Claim storage on = claimOf[seen.earlier.claimId];
        seen.epoch = on.epoch;
        // A round in which somebody lives is the one under way: the next one begins when all are out.
        seen.isOpen = !seen.earlier.isDead && !seen.later.isDead && seen.epoch >= confirmedEpochs && _isStanding(on.parent);
    }

    /// @inheritdoc ISettlement
    function moverView(bytes32 roundId, uint32 n) external view returns (address mover, bytes32 stateRoot) {
        Entry storage entry = entryOf[roundId][n];
        return (entry.mover, claimOf[entry.claimId].stateRoot);
    }

    /// @inheritdoc ISettlement
    function config() external view returns (SettlementConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (SettlementConfig));
    }

    function _checkEpoch(bytes32 parentClaim, uint64 epoch, bytes32 epochAccumulator) private view {
        uint64 expected = parentClaim == genesisClaim() ? 0 : _known(parentClaim).epoch + 1;
        if (epoch != expected) revert WrongEpoch(epoch, expected);
        _requireUndecided(parentClaim, epoch);
        _requireStanding(parentClaim);
        bytes32 accumulator = IInbox(_addressArgument(INBOX)).epochAccumulator(epoch);
        if (epochAccumulator != accumulator) revert WrongAccumulator(epochAccumulator, accumulator);
    }

    /// The round under a parent; a new one if there is none, or if all claims of the last one fell.
    function _openRound(bytes32 parentClaim, uint32 number) private returns (Round storage round) {
        round = roundOf[parentClaim];
        uint32 expected = currentRound(parentClaim);
        if (number != expected) revert WrongRound(number, expected);
        if (expected != round.number) {
            // The chain was declared dead. Rounds that are open go on: a claim that was made just before can still be contested.
            if (IInbox(_addressArgument(INBOX)).isStopped()) revert IInbox.Stopped();
            roundOf[parentClaim] =
                Round({openedAt: uint64(block.timestamp), number: expected, entryCount: 0, claimCount: 0, liveClaims: 0, liveEntries: 0});
        }
    }

    function _enter(bytes32 claimId, Claim storage on, Round storage round, address mover) private returns (uint32 n) {
        uint256 joinEnd = _joinEnd(round);
        if (block.timestamp >= joinEnd) revert RoundClosed(on.parent, joinEnd);
        n = round.entryCount;
        uint256 bond = _bond(n);
        if (msg.value < bond) revert BondTooSmall(msg.value, bond);

        bytes32 roundId = roundIdOf(on.parent, on.round);
        entryOf[roundId][n] = Entry({
            backer: msg.sender, enteredAt: uint64(block.timestamp), isDead: false, claimId: claimId, mover: mover, bondWei: uint96(bond)
        });
        round.entryCount = n + 1;
        round.liveEntries += 1;
        if (on.live == 0) round.liveClaims += 1;
        on.live += 1;
        emit Entered(roundId, n, claimId, msg.sender, mover, bond);
        // More may be sent so that nobody can make the call fail by entering just before it.
        if (msg.value > bond) _credit(msg.sender, msg.value - bond);
    }

    /// Takes an entry out of its round; answers its bond, which the caller has to place.
    function _takeOut(bytes32 roundId, uint32 n) private returns (uint256 bond) {
        Entry storage entry = _liveEntry(roundId, n);
        bond = entry.bondWei;
        (entry.isDead, entry.bondWei) = (true, 0);
        Claim storage on = claimOf[entry.claimId];
        Round storage round = roundOf[on.parent];
        on.live -= 1;
        round.liveEntries -= 1;
        if (on.live == 0) round.liveClaims -= 1;
    }

    function _liveEntry(bytes32 roundId, uint32 n) private view returns (Entry storage entry) {
        entry = entryOf[roundId][n];
        if (entry.backer == address(0)) revert UnknownEntry(roundId, n);
        if (entry.isDead || entry.bondWei == 0) revert EntryOut(roundId, n);
    }

    function _credit(address to, uint256 amountWei) private {
        credit[to] += amountWei;
        emit Credited(to, amountWei);
    }

    /// B(1 + n/32), rounded up.
    function _bond(uint256 n) private view returns (uint256) {
        return (_argument(BOND) * (BOND_STEP_ENTRIES + n) + BOND_STEP_ENTRIES - 1) / BOND_STEP_ENTRIES;
    }

    function _refund(uint256 bond) private view returns (uint256 refund) {
        refund = _argument(GAS_REFUND);
        if (refund > bond / 2) refund = bond / 2;
    }

    function _joinEnd(Round storage round) private view returns (uint256) {
        return round.openedAt + _argument(WINDOW) + _argument(JOIN);
    }

    /// From when on a sole live claim may be confirmed: a second one could be backed again until W + D.
    function _overAt(Round storage round) private view returns (uint256) {
        return round.claimCount > 1 ? _joinEnd(round) : round.openedAt + _argument(WINDOW);
    }

    /// All of its entries are out, and it can be backed no more.
    function _isFallen(Claim storage asked) private view returns (bool) {
        if (asked.live != 0) return false;
        Round storage round = roundOf[asked.parent];
        return asked.round != round.number || block.timestamp >= _joinEnd(round);
    }

    function _fillPlayer(PlayerView memory seen, bytes32 roundId, uint32 n) private view {
        Entry storage entry = entryOf[roundId][n];
        if (entry.backer == address(0)) revert UnknownEntry(roundId, n);
        (seen.backer, seen.enteredAt, seen.isDead, seen.claimId) = (entry.backer, entry.enteredAt, entry.isDead, entry.claimId);
    }

    /// The last confirmed claim, without its state.
    function _confirmedClaim() private view returns (bytes32) {
        return confirmedEpochs == 0 ? genesisClaim() : lastConfirmed;
    }

    /// Whether a parent may still be built upon: confirmed as the last one, or neither beaten nor fallen nor marked.
    function _isStanding(bytes32 parentClaim) private view returns (bool) {
        if (parentClaim == _confirmedClaim()) return true;
        Claim storage parent = claimOf[parentClaim];
        return parent.claimedAt != 0 && parent.confirmedAt == 0 && !parent.isVoid && parent.epoch >= confirmedEpochs
            && !_isFallen(parent);
    }

    function _requireStanding(bytes32 parentClaim) private view {
        if (!_isStanding(parentClaim)) revert ClaimVoid(parentClaim);
    }

    /// Claims of `epoch` on top of this parent must not be past.
    function _requireUndecided(bytes32 parentClaim, uint64 epoch) private view {
        uint64 next = confirmedEpochs;
        if (epoch < next || (epoch == next && parentClaim != _confirmedClaim())) revert Decided(parentClaim);
    }

    function _known(bytes32 claimId) private view returns (Claim storage known) {
        known = claimOf[claimId];
        if (known.claimedAt == 0) revert UnknownClaim(claimId);
    }
}
