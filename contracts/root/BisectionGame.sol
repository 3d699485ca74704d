// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Game, GameConfig, IBisectionGame, Leaf, Opening, Position} from "../interfaces/IBisectionGame.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOneStepProver, StepEnv, StepProof} from "../interfaces/IOneStepProver.sol";
import {EntryView, ISettlement, PairView, PlayerView} from "../interfaces/ISettlement.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// See `IBisectionGame`.
contract BisectionGame is IBisectionGame, CloneArguments {
    // Words of GameConfig.
    uint256 private constant SETTLEMENT = 0;
    uint256 private constant INBOX = 1;
    uint256 private constant PROVER = 2;
    uint256 private constant ADJUDICATOR = 3;
    uint256 private constant PARTS = 4;
    uint256 private constant CLOCK = 5;
    uint256 private constant INCREMENT = 6;
    uint256 private constant MOVE_BOND = 7;
    uint256 private constant FEE_TABLE = 8;
    uint256 private constant CONFIG_WORDS = 11;

    bytes32 private constant OPENING_TAG = keccak256("agnt2 opening");
    bytes32 private constant ANSWER_TAG = keccak256("agnt2 answer");
    bytes32 private constant LEAF_TAG = keccak256("agnt2 leaf");

    mapping(bytes32 roundId => mapping(uint32 n => Opening)) private openingOf;
    mapping(bytes32 roundId => mapping(uint32 i => mapping(uint32 j => Game))) private gameOf;

    /// Two live entries of rival claims whose round is under way.
    struct Pair {
        bytes32 roundId;
        uint32 i;
        uint32 j;
        PairView entries;
    }

    /// @inheritdoc IBisectionGame
    function open(bytes32 roundId, uint32 n, bytes32[] calldata states) external payable {
        EntryView memory entry = _settlement().entryView(roundId, n);
        if (!entry.isOpen) revert RoundOver(roundId);
        if (entry.isDead) revert EntryDead(roundId, n);
        if (msg.sender != entry.backer && msg.sender != entry.mover) revert NotPlayer(msg.sender, n);
        uint256 pot = _openingBond(entry);
        if (msg.value < pot) revert WrongBond(msg.value, pot);
        Opening storage opening = openingOf[roundId][n];
        if (opening.openedAt != 0) revert OpenedBefore(roundId, n);
        uint256 lateAt = entry.enteredAt + _argument(CLOCK);
        if (block.timestamp >= lateAt) revert TooLate(lateAt);

        uint64 steps = IInbox(_addressArgument(INBOX)).epochTrace(entry.epoch);
        _checkStates(states, steps);
        if (states[states.length - 1] != entry.stateRoot) {
            revert NotOwnRoot(states[states.length - 1], entry.stateRoot);
        }
        bytes32 move = _openingHash(roundId, n, steps, entry.parentRoot, states);
        (opening.move, opening.openedAt, opening.potWei) = (move, uint64(block.timestamp), uint96(pot));
        emit Opened(roundId, n, move, states, pot);
        if (msg.value > pot) _settlement().addCredit{value: msg.value - pot}(msg.sender);
    }

    /// @inheritdoc IBisectionGame
    function answer(
        bytes32 roundId,
        uint32 i,
        uint32 j,
        bytes32 previousMove,
        Position calldata previous,
        uint256 part,
        bytes32[] calldata states
    ) external payable {
        Pair memory pair = _pair(roundId, i, j);
        Game memory game = gameOf[roundId][i][j];
        if (game.isLeaf) revert IsLeaf();
        uint256 bond = _argument(MOVE_BOND);
        if (msg.value != bond) revert WrongBond(msg.value, bond);
        if (game.since == 0) _start(game, pair, previous.size);
        _checkPrevious(game, pair, previousMove, previous);
        _takeTurn(game, pair);
        _post(game, pair, _partOf(previous, part), previous.states[part], states);
        gameOf[roundId][i][j] = game;
    }

    /// @inheritdoc IBisectionGame
    function prove(bytes32 roundId, uint32 i, uint32 j, Leaf calldata leaf, StepProof calldata proof) external {
        Pair memory pair = _pair(roundId, i, j);
        Game memory game = gameOf[roundId][i][j];
        if (!game.isLeaf) revert NotLeaf();
        (, uint256 lateAt) = _deadline(game, pair);
        if (block.timestamp >= lateAt) revert TooLate(lateAt);
        bytes32 given = _leafHash(pair, leaf);
        if (given != game.move) revert WrongMove(given, game.move);

        // A proof that does not hold, or too little gas for it, reverts: nothing is recorded.
        bytes32 postState = IOneStepProver(_addressArgument(PROVER)).proveStep(_env(pair.entries.epoch), leaf.preState, proof);
        emit Proven(roundId, i, j, postState);
        if (leaf.saidEarlier == postState) {
            _settlement().eliminate(roundId, j, i);
        } else if (leaf.saidLater == postState) {
            _settlement().eliminate(roundId, i, j);
        } else {
            _settlement().eliminateBoth(roundId, i, j, msg.sender);
        }
    }

    /// @inheritdoc IBisectionGame
    function timeout(bytes32 roundId, uint32 i, uint32 j) external {
        Pair memory pair = _pair(roundId, i, j);
        (bool isLaterOnMove, uint256 lateAt) = _deadline(gameOf[roundId][i][j], pair);
        if (block.timestamp < lateAt) revert TooEarly(lateAt);
        (uint32 loser, uint32 winner) = isLaterOnMove ? (j, i) : (i, j);
        emit TimedOut(roundId, i, j, loser);
        _settlement().eliminate(roundId, loser, winner);
    }

    /// @inheritdoc IBisectionGame
    function settle(bytes32 roundId, uint32 i, uint32 j) external {
        if (i >= j) revert BadOrder(i, j);
        Game storage game = gameOf[roundId][i][j];
        if (game.since == 0) revert NotOpened(roundId, j);
        if (game.isSettled) revert AlreadySettled();
        PairView memory pair = _settlement().pairView(roundId, i, j);
        if (pair.isOpen) revert StillPlayed(roundId, i, j);
        game.isSettled = true;
        uint256 bond = _argument(MOVE_BOND);
        uint256 ofEarlier = game.movesEarlier * bond;
        // Its first move was the opening, whose pot is the entry's.
        uint256 ofLater = (game.movesLater - 1) * bond;
        // An opener that is out owes every game that answered it one bond; one that lives owes this game none any more.
        if (pair.later.isDead) ofLater += bond;
        else openingOf[roundId][j].answers -= 1;
        if (pair.earlier.isDead && pair.later.isDead) {
            _give(roundId, i, j, address(0), ofEarlier + ofLater);
        } else if (pair.earlier.isDead) {
            _give(roundId, i, j, pair.later.backer, ofEarlier + ofLater);
        } else if (pair.later.isDead) {
            _give(roundId, i, j, pair.earlier.backer, ofEarlier + ofLater);
        } else {
            _give(roundId, i, j, pair.earlier.backer, ofEarlier);
            _give(roundId, i, j, pair.later.backer, ofLater);
        }
    }

    /// @inheritdoc IBisectionGame
    function settleOpening(bytes32 roundId, uint32 n) external {
        Opening storage opening = openingOf[roundId][n];
        if (opening.openedAt == 0) revert NotOpened(roundId, n);
        if (opening.isSettled) revert AlreadySettled();
        EntryView memory entry = _settlement().entryView(roundId, n);
        if (entry.isOpen && !entry.isDead) revert StillPlayed(roundId, n, n);
        opening.isSettled = true;
        uint256 pot = opening.potWei;
        // No answer comes after its death: what is left beyond the answers nobody can earn any more.
        if (entry.isDead) _give(roundId, n, n, address(0), pot - opening.answers * _argument(MOVE_BOND));
        else _give(roundId, n, n, entry.backer, pot);
    }

    /// @inheritdoc IBisectionGame
    function openingBond(bytes32 roundId, uint32 n) external view returns (uint256) {
        return _openingBond(_settlement().entryView(roundId, n));
    }

    /// @inheritdoc IBisectionGame
    function deadline(bytes32 roundId, uint32 i, uint32 j) external view returns (bool, uint256) {
        return _deadline(gameOf[roundId][i][j], _pair(roundId, i, j));
    }

    /// @inheritdoc IBisectionGame
    function openings(bytes32 roundId, uint32 n) external view returns (Opening memory) {
        return openingOf[roundId][n];
    }

    /// @inheritdoc IBisectionGame
    function games(bytes32 roundId, uint32 i, uint32 j) external view returns (Game memory) {
        return gameOf[roundId][i][j];
    }

    /// @inheritdoc IBisectionGame
    function config() external view returns (GameConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (GameConfig));
    }

    function _pair(bytes32 roundId, uint32 i, uint32 j) private view returns (Pair memory pair) {
        if (i >= j) revert BadOrder(i, j);
        pair = Pair({roundId: roundId, i: i, j: j, entries: _settlement().pairView(roundId, i, j)});
        if (pair.entries.earlier.isDead) revert EntryDead(roundId, i);
        if (pair.entries.later.isDead) revert EntryDead(roundId, j);
        if (!pair.entries.isOpen) revert RoundOver(roundId);
        if (pair.entries.earlier.claimId == pair.entries.later.claimId) revert NotRivals(roundId, i, j);
    }

    /// A game begins with the later one's opening, which covers the whole trace: the time until then is that one's.
    function _start(Game memory game, Pair memory pair, uint64 steps) private {
        Opening storage opening = openingOf[pair.roundId][pair.j];
        uint64 openedAt = opening.openedAt;
        if (openedAt == 0) revert NotOpened(pair.roundId, pair.j);
        opening.answers += 1;
        (game.move, game.since, game.movesLater, game.steps) = (opening.move, openedAt, 1, steps);
        game.usedLater = uint32(openedAt - pair.entries.later.enteredAt);
    }

    function _checkPrevious(Game memory game, Pair memory pair, bytes32 previousMove, Position calldata previous)
        private
        pure
    {
        if (previousMove != game.move) revert WrongMove(previousMove, game.move);
        bytes32 given = game.movesEarlier == 0
            ? _openingHash(pair.roundId, pair.j, previous.size, previous.preState, previous.states)
            : keccak256(
                abi.encode(
                    ANSWER_TAG, pair.roundId, pair.i, pair.j, previous.from, previous.size, previous.preState, previous.states
                )
            );
        // An opening starts at step 0; its hash does not say so again.
        bool isElsewhere = game.movesEarlier == 0 && previous.from != 0;
        if (given != previousMove || isElsewhere) revert WrongMove(given, previousMove);
    }

    /// The player on move answers in time: its clock stops, the other's runs.
    function _takeTurn(Game memory game, Pair memory pair) private view {
        bool isLater = game.isLaterOnMove;
        if (isLater) _requirePlayer(pair.entries.later, pair.roundId, pair.j);
        else _requirePlayer(pair.entries.earlier, pair.roundId, pair.i);
        (, uint256 lateAt) = _deadline(game, pair);
        if (block.timestamp >= lateAt) revert TooLate(lateAt);
        uint32 used = uint32(block.timestamp - game.since);
        if (isLater) {
            game.usedLater += used;
            game.movesLater += 1;
        } else {
            game.usedEarlier += used;
            game.movesEarlier += 1;
        }
        game.since = uint64(block.timestamp);
        game.isLaterOnMove = !isLater;
    }

    /// The part that is denied, from the state before it on.
    function _partOf(Position calldata previous, uint256 part) private pure returns (Position memory next) {
        uint256 parts = previous.states.length;
        if (part >= parts) revert NoSuchPart(part, parts);
        uint256 start = (uint256(previous.size) * part) / parts;
        uint256 end = (uint256(previous.size) * (part + 1)) / parts;
        next.from = previous.from + uint64(start);
        next.size = uint64(end - start);
        next.preState = part == 0 ? previous.preState : previous.states[part - 1];
    }

    /// The mover, who is off move by now, says its own states in the part whose end it denies; one step is the leaf.
    function _post(Game memory game, Pair memory pair, Position memory next, bytes32 denied, bytes32[] calldata states) private {
        _checkStates(states, next.size);
        bytes32 own = states[states.length - 1];
        if (own == denied) revert NothingDenied(own);
        bool isLater = !game.isLaterOnMove;
        if (next.from + next.size == game.steps) _checkRoot(pair.roundId, isLater ? pair.j : pair.i, own);
        if (next.size == 1) {
            Leaf memory leaf = Leaf(next.from, next.preState, isLater ? denied : own, isLater ? own : denied);
            game.isLeaf = true;
            game.move = _leafHash(pair, leaf);
            emit LeafNamed(pair.roundId, pair.i, pair.j, game.move, leaf.step, leaf.preState, leaf.saidEarlier, leaf.saidLater);
            return;
        }
        game.move = keccak256(abi.encode(ANSWER_TAG, pair.roundId, pair.i, pair.j, next.from, next.size, next.preState, states));
        emit Answered(pair.roundId, pair.i, pair.j, game.move, next.from, next.size, next.preState, states);
    }

    function _give(bytes32 roundId, uint32 i, uint32 j, address to, uint256 amountWei) private {
        if (amountWei == 0) return;
        emit Settled(roundId, i, j, to, amountWei);
        if (to == address(0)) _settlement().addBurned{value: amountWei}();
        else _settlement().addCredit{value: amountWei}(to);
    }

    function _deadline(Game memory game, Pair memory pair) private view returns (bool isLaterOnMove, uint256 lateAt) {
        uint256 clock = _argument(CLOCK);
        if (game.since == 0) {
            uint256 openedAt = openingOf[pair.roundId][pair.j].openedAt;
            if (openedAt == 0) return (true, pair.entries.later.enteredAt + clock);
            return (false, openedAt + clock);
        }
        isLaterOnMove = game.isLaterOnMove;
        uint256 moves = isLaterOnMove ? game.movesLater : game.movesEarlier;
        uint256 used = isLaterOnMove ? game.usedLater : game.usedEarlier;
        lateAt = game.since + clock + moves * _argument(INCREMENT) - used;
    }

    function _requirePlayer(PlayerView memory player, bytes32 roundId, uint32 n) private view {
        if (msg.sender == player.backer) return;
        (address mover,) = _settlement().moverView(roundId, n);
        if (msg.sender != mover) revert NotPlayer(msg.sender, n);
    }

    /// Who ends at the epoch's end says its claim's own root there.
    function _checkRoot(bytes32 roundId, uint32 n, bytes32 own) private view {
        (, bytes32 stateRoot) = _settlement().moverView(roundId, n);
        if (own != stateRoot) revert NotOwnRoot(own, stateRoot);
    }

    function _openingBond(EntryView memory entry) private view returns (uint256) {
        return _argument(MOVE_BOND) * (entry.liveRivals == 0 ? 1 : entry.liveRivals);
    }

    function _checkStates(bytes32[] calldata states, uint64 length) private view {
        uint256 expected = _argument(PARTS);
        if (length < expected) expected = length;
        if (states.length != expected) revert BadStates(states.length, expected);
    }

    function _env(uint64 epoch) private view returns (StepEnv memory env) {
        IInbox inbox = IInbox(_addressArgument(INBOX));
        env.inbox = address(inbox);
        env.domainSeparator = inbox.domainSeparator();
        env.batchEnd = inbox.epochEnd(epoch);
        env.adjudicator = _addressArgument(ADJUDICATOR);
        for (uint256 i = 0; i < 3; ++i) env.feeTable[i] = _argument(FEE_TABLE + i);
    }

    function _settlement() private view returns (ISettlement) {
        return ISettlement(_addressArgument(SETTLEMENT));
    }

    function _openingHash(bytes32 roundId, uint32 n, uint64 length, bytes32 preState, bytes32[] calldata states)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(OPENING_TAG, roundId, n, length, preState, states));
    }

    function _leafHash(Pair memory pair, Leaf memory leaf) private pure returns (bytes32) {
        return keccak256(abi.encode(LEAF_TAG, pair.roundId, pair.i, pair.j, leaf));
    }
}
