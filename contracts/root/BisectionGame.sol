// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Game, GameConfig, IBisectionGame, Leaf, Opening, Position} from "../interfaces/IBisectionGame.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOneStepProver, StepEnv, StepProof} from "../interfaces/IOneStepProver.sol";
import {EntryView, ISettlement} from "../interfaces/ISettlement.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// See `IBisectionGame`.
contract BisectionGame is IBisectionGame, CloneArguments {
    // Words of GameConfig.
    uint256 private constant SETTLEMENT = 0;
    uint256 private constant INBOX = 1;
    uint256 private constant PROVER = 2;
    uint256 private constant PARTS = 3;
    uint256 private constant CLOCK = 4;
    uint256 private constant INCREMENT = 5;
    uint256 private constant MOVE_BOND = 6;
    uint256 private constant FEE_TABLE = 7;
    uint256 private constant CONFIG_WORDS = 10;

    bytes32 private constant OPENING_TAG = keccak256("agnt2 opening");
    bytes32 private constant ANSWER_TAG = keccak256("agnt2 answer");
    bytes32 private constant LEAF_TAG = keccak256("agnt2 leaf");

    mapping(bytes32 roundId => mapping(uint32 n => Opening)) private openingOf;
    mapping(bytes32 roundId => mapping(uint32 i => mapping(uint32 j => Game))) private gameOf;
    /// Who took an entry out, plus one; 0 for nobody, or for a proof against both.
    mapping(bytes32 roundId => mapping(uint32 n => uint256)) private takenOutBy;

    /// Two live entries of rival claims whose round is under way.
    struct Pair {
        bytes32 roundId;
        uint32 i;
        uint32 j;
        EntryView earlier;
        EntryView later;
    }

    /// @inheritdoc IBisectionGame
    function open(bytes32 roundId, uint32 n, bytes32[] calldata states) external payable {
        EntryView memory entry = _settlement().entryView(roundId, n);
        if (!entry.isOpen) revert RoundOver(roundId);
        if (entry.isDead) revert EntryDead(roundId, n);
        _requirePlayer(entry, n);
        _requireBond();
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
        (opening.move, opening.openedAt) = (move, uint64(block.timestamp));
        emit Opened(roundId, n, move, states);
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
        Game storage game = gameOf[roundId][i][j];
        if (game.isLeaf) revert IsLeaf();
        _requireBond();
        _startIfNew(game, pair);
        _checkPrevious(game, pair, previousMove, previous);
        bool isLater = game.isLaterOnMove;
        _takeTurn(game, pair);

        Position memory next = _partOf(previous, part);
        _checkStates(states, next.size);
        bytes32 own = states[states.length - 1];
        if (own == previous.states[part]) revert NothingDenied(own);
        EntryView memory mover = isLater ? pair.later : pair.earlier;
        if (next.from + next.size == _steps(mover.epoch) && own != mover.stateRoot) {
            revert NotOwnRoot(own, mover.stateRoot);
        }
        if (next.size == 1) {
            _nameLeaf(game, pair, next, isLater ? previous.states[part] : own, isLater ? own : previous.states[part]);
            return;
        }
        game.move = keccak256(abi.encode(ANSWER_TAG, roundId, i, j, next.from, next.size, next.preState, states));
        emit Answered(roundId, i, j, game.move, next.from, next.size, next.preState, states);
    }

    /// @inheritdoc IBisectionGame
    function prove(bytes32 roundId, uint32 i, uint32 j, Leaf calldata leaf, StepProof calldata proof) external {
        Pair memory pair = _pair(roundId, i, j);
        Game storage game = gameOf[roundId][i][j];
        if (!game.isLeaf) revert NotLeaf();
        (, uint256 lateAt) = _deadline(game, pair);
        if (block.timestamp >= lateAt) revert TooLate(lateAt);
        bytes32 given = _leafHash(pair, leaf);
        if (given != game.move) revert WrongMove(given, game.move);

        // A proof that does not hold, or too little gas for it, reverts: nothing is recorded.
        bytes32 postState = IOneStepProver(_addressArgument(PROVER)).proveStep(_env(pair.earlier.epoch), leaf.preState, proof);
        emit Proven(roundId, i, j, postState);
        bool isEarlierRight = leaf.saidEarlier == postState;
        bool isLaterRight = leaf.saidLater == postState;
        if (isEarlierRight) {
            _takeOut(roundId, j, i);
        } else if (isLaterRight) {
            _takeOut(roundId, i, j);
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
        _takeOut(roundId, loser, winner);
    }

    /// @inheritdoc IBisectionGame
    function settle(bytes32 roundId, uint32 i, uint32 j) external {
        if (i >= j) revert BadOrder(i, j);
        Game storage game = gameOf[roundId][i][j];
        if (game.since == 0) revert NotOpened(roundId, j);
        if (game.isSettled) revert AlreadySettled();
        EntryView memory earlier = _settlement().entryView(roundId, i);
        EntryView memory later = _settlement().entryView(roundId, j);
        if (earlier.isOpen && !earlier.isDead && !later.isDead) revert StillPlayed(roundId, i, j);
        game.isSettled = true;
        uint256 bond = _argument(MOVE_BOND);
        uint256 ofEarlier = game.movesEarlier * bond;
        // Its first move was the opening, whose bond is the entry's.
        uint256 ofLater = (game.movesLater - 1) * bond;
        if (earlier.isDead && later.isDead) {
            _give(roundId, i, j, address(0), ofEarlier + ofLater);
        } else if (earlier.isDead) {
            _give(roundId, i, j, later.backer, ofEarlier + ofLater);
        } else if (later.isDead) {
            _give(roundId, i, j, earlier.backer, ofEarlier + ofLater);
        } else {
            _give(roundId, i, j, earlier.backer, ofEarlier);
            _give(roundId, i, j, later.backer, ofLater);
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
        address to = entry.backer;
        if (entry.isDead) {
            uint256 winner = takenOutBy[roundId][n];
            to = winner == 0 ? address(0) : _settlement().entryView(roundId, uint32(winner - 1)).backer;
        }
        _give(roundId, n, n, to, _argument(MOVE_BOND));
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
        (pair.roundId, pair.i, pair.j) = (roundId, i, j);
        pair.earlier = _settlement().entryView(roundId, i);
        pair.later = _settlement().entryView(roundId, j);
        if (!pair.earlier.isOpen) revert RoundOver(roundId);
        if (pair.earlier.isDead) revert EntryDead(roundId, i);
        if (pair.later.isDead) revert EntryDead(roundId, j);
        if (pair.earlier.claimId == pair.later.claimId) revert NotRivals(roundId, i, j);
    }

    /// A game begins with the later one's opening: the time until then is that one's.
    function _startIfNew(Game storage game, Pair memory pair) private {
        if (game.since != 0) return;
        Opening storage opening = openingOf[pair.roundId][pair.j];
        if (opening.openedAt == 0) revert NotOpened(pair.roundId, pair.j);
        (game.move, game.since, game.movesLater) = (opening.move, opening.openedAt, 1);
        game.usedLater = uint32(opening.openedAt - pair.later.enteredAt);
    }

    function _checkPrevious(Game storage game, Pair memory pair, bytes32 previousMove, Position calldata previous)
        private
        view
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
    function _takeTurn(Game storage game, Pair memory pair) private {
        bool isLater = game.isLaterOnMove;
        if (isLater) _requirePlayer(pair.later, pair.j);
        else _requirePlayer(pair.earlier, pair.i);
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

    function _nameLeaf(Game storage game, Pair memory pair, Position memory at, bytes32 saidEarlier, bytes32 saidLater) private {
        Leaf memory leaf = Leaf({step: at.from, preState: at.preState, saidEarlier: saidEarlier, saidLater: saidLater});
        game.move = _leafHash(pair, leaf);
        game.isLeaf = true;
        emit LeafNamed(pair.roundId, pair.i, pair.j, game.move, leaf.step, leaf.preState, saidEarlier, saidLater);
    }

    function _takeOut(bytes32 roundId, uint32 loser, uint32 winner) private {
        takenOutBy[roundId][loser] = uint256(winner) + 1;
        _settlement().eliminate(roundId, loser, winner);
    }

    function _give(bytes32 roundId, uint32 i, uint32 j, address to, uint256 amountWei) private {
        if (amountWei == 0) return;
        emit Settled(roundId, i, j, to, amountWei);
        if (to == address(0)) _settlement().addBurned{value: amountWei}();
        else _settlement().addCredit{value: amountWei}(to);
    }

    function _deadline(Game storage game, Pair memory pair) private view returns (bool isLaterOnMove, uint256 at) {
        uint256 clock = _argument(CLOCK);
        if (game.since == 0) {
            Opening storage opening = openingOf[pair.roundId][pair.j];
            if (opening.openedAt == 0) return (true, pair.later.enteredAt + clock);
            return (false, opening.openedAt + clock);
        }
        isLaterOnMove = game.isLaterOnMove;
        uint256 moves = isLaterOnMove ? game.movesLater : game.movesEarlier;
        uint256 used = isLaterOnMove ? game.usedLater : game.usedEarlier;
        at = game.since + clock + moves * _argument(INCREMENT) - used;
    }

    function _requirePlayer(EntryView memory entry, uint32 n) private view {
        if (msg.sender != entry.backer && msg.sender != entry.mover) revert NotPlayer(msg.sender, n);
    }

    function _requireBond() private view {
        uint256 bond = _argument(MOVE_BOND);
        if (msg.value != bond) revert WrongBond(msg.value, bond);
    }

    function _checkStates(bytes32[] calldata states, uint64 length) private view {
        uint256 expected = _argument(PARTS);
        if (length < expected) expected = length;
        if (states.length != expected) revert BadStates(states.length, expected);
    }

    function _steps(uint64 epoch) private view returns (uint64) {
        return IInbox(_addressArgument(INBOX)).epochTrace(epoch);
    }

    function _env(uint64 epoch) private view returns (StepEnv memory env) {
        IInbox inbox = IInbox(_addressArgument(INBOX));
        env.inbox = address(inbox);
        env.domainSeparator = inbox.domainSeparator();
        env.batchEnd = inbox.epochEnd(epoch);
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
