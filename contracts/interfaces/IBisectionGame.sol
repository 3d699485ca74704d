// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {StepProof} from "./IOneStepProver.sol";

/// Parameters of one chain's games, fixed when the chain is created.
struct GameConfig {
    address settlement;
    address inbox;
    address prover;
    /// The chain's ChannelAdjudicator.
    address adjudicator;
    /// Parts of a bisection, 2 to 255.
    uint8 k;
    /// C0: seconds of thinking that a player has in a game before its first move is late.
    uint32 clockSeconds;
    /// e: seconds that each of its moves adds.
    uint32 incrementSeconds;
    /// Posted with each move: the gas of its answer at the price cap.
    uint96 moveBondWei;
    /// Fee of every record opcode, as the prover wants it.
    uint256[3] feeTable;
}

/// What the hash of a bisection opens to: `states[m]` is claimed after step `from + size * (m + 1) / p`, p = states.length.
struct Position {
    uint64 from;
    uint64 size;
    bytes32 preState;
    bytes32[] states;
}

/// What the hash of a leaf opens to: one step, the state before it that both accept, and what each says comes after.
struct Leaf {
    uint64 step;
    bytes32 preState;
    bytes32 saidEarlier;
    bytes32 saidLater;
}

/// An entry's bisection of the whole epoch: one for all its games with earlier rivals.
struct Opening {
    bytes32 move;
    uint64 openedAt;
    /// What was posted with it: a move bond for each rival that could answer.
    uint96 potWei;
    /// Games in which it was answered and that may still be paid from the pot.
    uint32 answers;
    bool isSettled;
}

/// The game of entries i < j of rival claims; stored from its first answer on.
struct Game {
    bytes32 move;
    uint64 since;
    uint32 usedEarlier;
    uint32 usedLater;
    uint16 movesEarlier;
    uint16 movesLater;
    bool isLaterOnMove;
    bool isLeaf;
    bool isSettled;
    /// Of the whole trace.
    uint64 steps;
}

/// @title Who of two backers of rival claims is wrong (docs/DISPUTES.md, section 3)
/// @notice Every pair of live entries of different claims of a round is a game. The later entry opens, once for all its games; then both
/// narrow down the first step after which they differ, and that step is executed on chain. A game takes out the loser's entry only.
/// @dev A move binds what it answers by hash: nothing that was made for another game, or before a reorganisation, fits.
interface IBisectionGame {
    event Opened(bytes32 indexed roundId, uint32 indexed n, bytes32 move, bytes32[] states, uint256 potWei);
    event Answered(bytes32 indexed roundId, uint32 indexed i, uint32 indexed j, bytes32 move, uint64 from, uint64 size, bytes32 preState, bytes32[] states);
    event LeafNamed(bytes32 indexed roundId, uint32 indexed i, uint32 indexed j, bytes32 move, uint64 step, bytes32 preState, bytes32 saidEarlier, bytes32 saidLater);
    event Proven(bytes32 indexed roundId, uint32 indexed i, uint32 indexed j, bytes32 postState);
    event TimedOut(bytes32 indexed roundId, uint32 indexed i, uint32 indexed j, uint32 loser);
    event Settled(bytes32 indexed roundId, uint32 indexed i, uint32 indexed j, address to, uint256 amountWei);

    error BadOrder(uint32 i, uint32 j);
    /// The round is decided, or stands on a claim that fell.
    error RoundOver(bytes32 roundId);
    error EntryDead(bytes32 roundId, uint32 n);
    error NotRivals(bytes32 roundId, uint32 i, uint32 j);
    error NotPlayer(address caller, uint32 n);
    error OpenedBefore(bytes32 roundId, uint32 n);
    error NotOpened(bytes32 roundId, uint32 n);
    /// An answer sends exactly a move bond, an opening at least `openingBond`.
    error WrongBond(uint256 sentWei, uint256 bondWei);
    error WrongMove(bytes32 given, bytes32 expected);
    error BadStates(uint256 given, uint256 expected);
    /// The last state of an epoch is the claim's own root.
    error NotOwnRoot(bytes32 given, bytes32 expected);
    /// A move denies the state at the end of a part: its own differs.
    error NothingDenied(bytes32 state);
    error NoSuchPart(uint256 part, uint256 parts);
    error TooLate(uint256 deadline);
    error TooEarly(uint256 deadline);
    error IsLeaf();
    error NotLeaf();
    error AlreadySettled();
    error StillPlayed(bytes32 roundId, uint32 i, uint32 j);

    /// The bisection of the whole epoch by entry `n`; its player only. Needs `openingBond` at least; what is above it is credited to the
    /// caller, so that nobody can make the call fail by entering just before it.
    function open(bytes32 roundId, uint32 n, bytes32[] calldata states) external payable;

    /// Denies the end of part `part` of the move before, and bisects that part; a part of one step becomes the leaf. The player on move.
    /// @param previousMove the hash of the move that is answered
    /// @param states the player's own states in that part, the last one at its end
    function answer(
        bytes32 roundId,
        uint32 i,
        uint32 j,
        bytes32 previousMove,
        Position calldata previous,
        uint256 part,
        bytes32[] calldata states
    ) external payable;

    /// Executes the step of the leaf. Whoever said another state is out, possibly both. Anyone, until the deadline of who is on move.
    function prove(bytes32 roundId, uint32 i, uint32 j, Leaf calldata leaf, StepProof calldata proof) external;

    /// Takes out who is on move, from its deadline on. Anyone.
    function timeout(bytes32 roundId, uint32 i, uint32 j) external;

    /// Gives the move bonds of a game that is over to who lives: with them one from the opening's pot if the opener is out. Anyone.
    function settle(bytes32 roundId, uint32 i, uint32 j) external;

    /// Gives an opening's pot back; if its entry is out, burns what no answer earned. Anyone, once the entry is out or its round is over.
    function settleOpening(bytes32 roundId, uint32 n) external;

    /// What an opening by entry `n` has to post now: a move bond for each live entry of other claims, and one at least.
    function openingBond(bytes32 roundId, uint32 n) external view returns (uint256);

    /// Who is on move, and from when on it has lost.
    function deadline(bytes32 roundId, uint32 i, uint32 j) external view returns (bool isLaterOnMove, uint256 lateAt);
    function openings(bytes32 roundId, uint32 n) external view returns (Opening memory);
    function games(bytes32 roundId, uint32 i, uint32 j) external view returns (Game memory);
    function config() external view returns (GameConfig memory);
}
