// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Game, IBisectionGame, Leaf, Opening, Position} from "../../../contracts/interfaces/IBisectionGame.sol";
import {IInbox} from "../../../contracts/interfaces/IInbox.sol";
import {StepProof} from "../../../contracts/interfaces/IOneStepProver.sol";
import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {DisputeNotes, Noted, Seat} from "./DisputeNotes.sol";
import {vm} from "./Vm.sol";

/// Plays liars, saboteurs and copiers of any kind, and one honest party that does what docs/DISPUTES.md tells it to, in time. A step is the
/// hash of the state before it. Every action counts how often it went through: a run in which everything reverts proves nothing.
contract DisputeHandler is DisputeNotes {
    uint256 private constant LIARS = 3;
    uint256 private constant MAX_ENTRIES = 6;
    uint256 private constant MAX_ROUNDS = 12;
    uint256 private constant LONGEST_PASS_SECONDS = 20;

    IInbox private immutable inbox;
    address private immutable owner;

    constructor(IInbox inbox_, ISettlement settlement_, IBisectionGame game_) DisputeNotes(settlement_, game_, inbox_.epochTrace(0)) {
        (inbox, owner) = (inbox_, msg.sender);
    }

    function liar(uint256 seed) public pure returns (address) {
        return address(uint160(0xBAD00000 + (seed % LIARS)));
    }

    /// Enters for a false root, or for the true one with a trace that is false inside.
    function claim(uint256 who, uint256 where, uint256 lieAt, uint256 seed) external {
        bytes32 parent = _parent(where);
        bytes32 parentRoot = _rootOf(parent);
        // Few roots, so that liars meet on one claim.
        bytes32 root = seed % 4 == 0 ? _truth(parentRoot, steps) : keccak256(abi.encode("false", seed % 2));
        _enter(parent, Seat(0, 0, liar(who), 1 + (lieAt % steps), seed, parentRoot, root, 0));
    }

    /// Enters for a claim that is there, as its true backer would play, or as another liar.
    function back(uint256 who, uint256 which, uint256 lieAt, uint256 seed) external {
        Seat memory seat = seats[which % seats.length];
        (seat.player, seat.seed) = (liar(who), seed % 2 == 0 ? seat.seed : seed);
        if (seed % 3 == 0) seat.lieAt = 1 + (lieAt % steps);
        uint256 value = settlement.bondFor(_notedOf(seat.roundId).parent) + (seed % 7);
        if (_notedOf(seat.roundId).entryCount >= MAX_ENTRIES) return;
        vm.deal(seat.player, value);
        vm.prank(seat.player);
        seat.n = settlement.back{value: value}(seat.claimId, seat.player);
        paidInWei[seat.player] += value;
        _seat(seat);
        _count("back");
    }

    function open(uint256 which) external {
        _open(which % seats.length);
    }

    /// A liar answers by its own trace, or with anything.
    function answer(uint256 which, uint256 other, uint256 whim) external {
        (Seat memory a, Seat memory b) = _pair(which, other);
        Seat memory mover = game.games(a.roundId, a.n, b.n).isLaterOnMove ? b : a;
        if (mover.player == honest()) return;
        _answer(a, b, mover, whim);
    }

    function prove(uint256 which, uint256 other) external {
        (Seat memory a, Seat memory b) = _pair(which, other);
        _prove(a, b);
    }

    function timeout(uint256 which, uint256 other) external {
        (Seat memory a, Seat memory b) = _pair(which, other);
        _timeout(a, b);
    }

    function settle(uint256 which, uint256 other) external {
        (Seat memory a, Seat memory b) = _pair(which, other);
        _settle(a, b);
    }

    function settleOpening(uint256 which) external {
        _settleOpening(seats[which % seats.length]);
    }

    function release(uint256 which) external {
        Seat memory seat = seats[which % seats.length];
        settlement.release(seat.roundId, seat.n);
        _count("release");
    }

    function confirm(uint256 which) external {
        _confirm(seats[which % seats.length].claimId);
    }

    function reject(uint256 which) external {
        _reject(seats[which % seats.length].claimId);
    }

    function withdrawCredit(uint256 who) external {
        _withdraw(who % 4 == 3 ? honest() : liar(who));
    }

    function withdrawBurned() external {
        uint256 amount = settlement.burned();
        settlement.withdrawBurned();
        burnedSentWei += amount;
        _count("withdrawBurned");
    }

    /// Time passes, but not before the honest party has done all that it has to.
    function pass(uint256 seconds_) external {
        _pass(1 + (seconds_ % LONGEST_PASS_SECONDS));
    }

    /// Plays everything to its end and settles it. Few calls that revert: the runner keeps the trace of each for its report.
    function finish() external {
        // Not for the fuzzer.
        require(msg.sender == owner, "not the owner");
        uint256 idle;
        for (uint256 i = 0; i < 60 && idle < 12; ++i) {
            uint256 before = totalCalls;
            _pass(LONGEST_PASS_SECONDS);
            for (uint256 a = 0; a < seats.length; ++a) {
                for (uint256 b = a + 1; b < seats.length; ++b) {
                    (Seat storage one, Seat storage other) = (seats[a], seats[b]);
                    if (one.roundId != other.roundId || one.claimId == other.claimId) continue;
                    if (!isOut[one.roundId][one.n] && !isOut[one.roundId][other.n]) try this.timeout(a, b) {} catch {}
                }
            }
            for (uint256 n = 0; n < seats.length; ++n) {
                bytes32 claimId = seats[n].claimId;
                if (settlement.canConfirm(claimId)) _confirm(claimId);
                else if (settlement.isVoid(claimId) && !settlement.claims(claimId).isVoid) _reject(claimId);
            }
            idle = totalCalls == before + 1 ? idle + 1 : 0;
        }
        for (uint256 a = 0; a < seats.length; ++a) {
            Seat memory seat = seats[a];
            if (settlement.entries(seat.roundId, seat.n).bondWei != 0) try this.release(a) {} catch {}
            Opening memory opening = game.openings(seat.roundId, seat.n);
            if (opening.openedAt != 0 && !opening.isSettled) _settleOpening(seat);
            for (uint256 b = a + 1; b < seats.length; ++b) {
                if (seats[b].roundId != seat.roundId) continue;
                Game memory played = game.games(seat.roundId, seat.n, seats[b].n);
                if (played.since != 0 && !played.isSettled) _settle(seat, seats[b]);
            }
        }
    }

    function _enter(bytes32 parent, Seat memory seat) private {
        uint32 number = settlement.currentRound(parent);
        seat.roundId = settlement.roundIdOf(parent, number);
        Noted storage noted = _note(seat.roundId, parent, number, _epochAfter(parent), MAX_ROUNDS);
        if (noted.entryCount >= MAX_ENTRIES && seat.player != honest()) return;
        _sendClaim(noted, seat, inbox.epochAccumulator(noted.epoch));
        isTrue[seat.claimId] = isTrue[parent] && seat.root == _truth(seat.parentRoot, steps);
        if (!isTrue[seat.claimId]) noted.hasLie = true;
        _seat(seat);
        _count(seat.player == honest() ? "claim (honest)" : "claim");
    }

    function _sendClaim(Noted memory noted, Seat memory seat, bytes32 accumulator) private {
        uint256 value = settlement.bondFor(noted.parent) + (seat.seed % 7);
        vm.deal(seat.player, value);
        vm.prank(seat.player);
        (seat.claimId, seat.n) =
            settlement.claim{value: value}(noted.parent, noted.number, noted.epoch, seat.root, accumulator, seat.player);
        paidInWei[seat.player] += value;
    }

    function _open(uint256 which) private {
        Seat memory seat = seats[which];
        bytes32[] memory states = _statesOf(seat, 0, steps);
        uint256 value = game.openingBond(seat.roundId, seat.n) + (seat.seed % 3);
        vm.deal(seat.player, value);
        vm.prank(seat.player);
        game.open{value: value}(seat.roundId, seat.n, states);
        paidInWei[seat.player] += value;
        _say(seat.roundId, seat.n, seat.n, Position(0, steps, seat.parentRoot, states));
        _count(seat.player == honest() ? "open (honest)" : "open");
    }

    /// @param whim 0: by the mover's own trace
    function _answer(Seat memory a, Seat memory b, Seat memory mover, uint256 whim) private {
        Game memory played = game.games(a.roundId, a.n, b.n);
        Position memory previous = played.since == 0 ? _said(b.roundId, b.n, b.n) : _said(a.roundId, a.n, b.n);
        bytes32 move = played.since == 0 ? game.openings(b.roundId, b.n).move : played.move;
        uint256 part = _firstDenied(mover, previous, whim);
        (uint64 from, uint64 size) = _partOf(previous, part);
        bytes32[] memory states = _statesOf(mover, from, size);
        if (whim % 5 == 1 && from + size != steps) states[states.length - 1] = keccak256(abi.encode("whim", whim));
        {
            uint256 bond = game.config().moveBondWei;
            vm.deal(mover.player, bond);
            vm.prank(mover.player);
            game.answer{value: bond}(a.roundId, a.n, b.n, move, previous, part, states);
            paidInWei[mover.player] += bond;
        }
        bytes32 preState = part == 0 ? previous.preState : previous.states[part - 1];
        if (size == 1) {
            bool isLater = mover.n == b.n;
            _nameLeaf(a.roundId, a.n, b.n, Leaf(from, preState, isLater ? previous.states[part] : states[0], isLater ? states[0] : previous.states[part]));
        } else {
            _say(a.roundId, a.n, b.n, Position(from, size, preState, states));
        }
        _count(mover.player == honest() ? "answer (honest)" : "answer");
    }

    function _prove(Seat memory a, Seat memory b) private {
        StepProof memory proof;
        _beforeEnd(a, b);
        game.prove(a.roundId, a.n, b.n, _leaf(a.roundId, a.n, b.n), proof);
        _afterEnd(a, b, "prove");
    }

    function _timeout(Seat memory a, Seat memory b) private {
        _beforeEnd(a, b);
        game.timeout(a.roundId, a.n, b.n);
        _afterEnd(a, b, "timeout");
    }

    function _settle(Seat memory a, Seat memory b) private {
        bool isLaterDead = settlement.entries(b.roundId, b.n).isDead;
        game.settle(a.roundId, a.n, b.n);
        if (isLaterDead) paidFromPot[a.roundId][a.n][b.n] = true;
        _count("settle");
    }

    function _settleOpening(Seat memory seat) private {
        game.settleOpening(seat.roundId, seat.n);
        _count("settleOpening");
    }

    function _confirm(bytes32 claimId) private {
        settlement.confirm(claimId);
        if (!isTrue[claimId]) breach = "a lie was confirmed although somebody honest played";
        bytes32 parent = settlement.claims(claimId).parent;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i].claimId == claimId || settlement.claims(seats[i].claimId).parent != parent) continue;
            if (!settlement.entries(seats[i].roundId, seats[i].n).isDead) breach = "confirmed while a rival lived";
        }
        _count("confirm");
    }

    function _reject(bytes32 claimId) private {
        settlement.reject(claimId);
        if (_hasHonestBacker(claimId)) breach = "a claim with an honest backer was rejected";
        _count("reject");
    }

    function _withdraw(address who) private {
        uint256 amount = settlement.credit(who);
        vm.prank(who);
        settlement.withdrawCredit(who);
        paidOutWei[who] += amount;
        _count("withdrawCredit");
    }

    function _pass(uint256 seconds_) private {
        for (uint256 r = 0; r < noteds.length; ++r) _honestTurn(r);
        vm.warp(block.timestamp + seconds_);
        _count("pass");
    }

    /// What the honest party does in a round: enters where a lie is, opens, answers, proves, and takes out who is late.
    function _honestTurn(uint256 r) private {
        Noted memory noted = noteds[r];
        if (!isTrue[noted.parent] || !noted.hasLie) return;
        if (settlement.rounds(noted.parent).number != noted.number) return;
        if (!settlement.entryView(noted.roundId, 0).isOpen) return;
        if (noted.honestSeat == 0) {
            bytes32 parentRoot = _rootOf(noted.parent);
            _enter(noted.parent, Seat(0, 0, honest(), 0, 0, parentRoot, _truth(parentRoot, steps), 0));
            noted = noteds[r];
            if (noted.honestSeat == 0) return;
        }
        uint256 own = noted.honestSeat - 1;
        for (uint256 i = 0; i < seats.length; ++i) {
            Seat memory other = seats[i];
            if (other.roundId != noted.roundId || other.claimId == seats[own].claimId) continue;
            if (settlement.entries(other.roundId, other.n).isDead) continue;
            _honestMove(own, i);
        }
    }

    function _honestMove(uint256 own, uint256 rival) private {
        (Seat memory a, Seat memory b) = _pair(own, rival);
        (bool isLaterOnMove, uint256 lateAt) = game.deadline(a.roundId, a.n, b.n);
        bool isOwnTurn = (isLaterOnMove ? b.player : a.player) == honest();
        if (block.timestamp >= lateAt) {
            if (isOwnTurn) breach = "the honest party was late";
            else _timeout(a, b);
            return;
        }
        if (!isOwnTurn) return;
        if (game.games(a.roundId, a.n, b.n).isLeaf) {
            _prove(a, b);
            return;
        }
        if (isLaterOnMove && game.openings(b.roundId, b.n).openedAt == 0) _open(own);
        else _answer(a, b, seats[own], 0);
    }
}
