// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Game, IBisectionGame, Leaf, Opening, Position} from "../../../contracts/interfaces/IBisectionGame.sol";
import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";

/// An entry, and what its player believes: the true trace, or one that is false from step `lieAt` on.
struct Seat {
    bytes32 roundId;
    uint32 n;
    address player;
    uint256 lieAt;
    uint256 seed;
    bytes32 parentRoot;
    bytes32 root;
    bytes32 claimId;
}

/// A round in which somebody entered.
struct Noted {
    bytes32 roundId;
    bytes32 parent;
    uint32 number;
    uint64 epoch;
    uint256 entryCount;
    bool hasLie;
    /// Index of the honest seat, plus one.
    uint256 honestSeat;
}

/// What the handler of the dispute invariants knows beside the contracts.
abstract contract DisputeNotes {
    ISettlement public immutable settlement;
    IBisectionGame public immutable game;
    uint64 public immutable steps;
    uint256 private immutable parts;
    bytes32 private immutable genesisRoot;

    Seat[] public seats;
    Noted[] public noteds;
    mapping(bytes32 roundId => uint256) private notedAt;
    mapping(bytes32 claimId => bool) public isTrue;
    mapping(bytes32 roundId => mapping(uint32 i => mapping(uint32 j => Position))) private positions;
    mapping(bytes32 roundId => mapping(uint32 i => mapping(uint32 j => Leaf))) private leaves;
    /// Games that took their bond from a dead opener's pot.
    mapping(bytes32 roundId => mapping(uint32 i => mapping(uint32 j => bool))) public paidFromPot;

    mapping(bytes32 roundId => mapping(uint32 n => bool)) internal isOut;

    mapping(address player => uint256) public paidInWei;
    mapping(address player => uint256) public paidOutWei;
    uint256 public burnedSentWei;
    /// What has to be burned at the least for the entries that are out.
    uint256 public mustBurnWei;

    /// Calls that did not revert, by action.
    mapping(string action => uint256) public calls;
    string[] public actions;
    uint256 public totalCalls;
    /// Set when a promise was broken.
    string public breach;

    constructor(ISettlement settlement_, IBisectionGame game_, uint64 steps_) {
        (settlement, game, steps, parts) = (settlement_, game_, steps_, game_.config().k);
        (,, genesisRoot) = settlement_.latestConfirmed();
        isTrue[settlement_.genesisClaim()] = true;
    }

    /// Who plays by docs/DISPUTES.md.
    function honest() public pure returns (address) {
        return address(0x60000000);
    }

    function seatCount() external view returns (uint256) {
        return seats.length;
    }

    function actionCount() external view returns (uint256) {
        return actions.length;
    }

    /// Wei that the game has to hold, counted from what was said and settled.
    function gameOwesWei() external view returns (uint256 owed) {
        uint256 bond = game.config().moveBondWei;
        for (uint256 b = 0; b < seats.length; ++b) {
            (bytes32 roundId, uint32 j) = (seats[b].roundId, seats[b].n);
            Opening memory opening = game.openings(roundId, j);
            bool isDead = settlement.entries(roundId, j).isDead;
            if (!opening.isSettled) owed += opening.potWei;
            for (uint32 i = 0; i < j; ++i) {
                Game memory played = game.games(roundId, i, j);
                if (played.since == 0) continue;
                if (!played.isSettled) owed += (uint256(played.movesEarlier) + played.movesLater - 1) * bond;
                if (opening.isSettled && isDead && !played.isSettled) owed += bond;
                if (!opening.isSettled && paidFromPot[roundId][i][j]) owed -= bond;
            }
        }
    }

    /// Bonds of entries that the settlement has to hold.
    function bondsWei() external view returns (uint256 sum) {
        for (uint256 i = 0; i < seats.length; ++i) sum += settlement.entries(seats[i].roundId, seats[i].n).bondWei;
    }

    function _truth(bytes32 state, uint256 step) internal pure returns (bytes32) {
        for (uint256 i = 0; i < step; ++i) state = keccak256(abi.encode(state));
        return state;
    }

    function _stateAt(Seat memory seat, uint256 step) internal view returns (bytes32) {
        if (step == steps) return seat.root;
        if (seat.lieAt == 0 || step < seat.lieAt) return _truth(seat.parentRoot, step);
        return keccak256(abi.encode(seat.seed, step));
    }

    function _statesOf(Seat memory seat, uint64 from, uint64 size) internal view returns (bytes32[] memory states) {
        uint256 count = size < parts ? size : parts;
        states = new bytes32[](count);
        for (uint256 m = 0; m < count; ++m) states[m] = _stateAt(seat, from + (uint256(size) * (m + 1)) / count);
    }

    function _partOf(Position memory previous, uint256 part) internal pure returns (uint64 from, uint64 size) {
        uint256 count = previous.states.length;
        uint256 start = (uint256(previous.size) * part) / count;
        uint256 end = (uint256(previous.size) * (part + 1)) / count;
        return (previous.from + uint64(start), uint64(end - start));
    }

    /// The first part whose end the mover denies; on a whim any part.
    function _firstDenied(Seat memory mover, Position memory previous, uint256 whim) internal view returns (uint256 part) {
        uint256 count = previous.states.length;
        if (whim % 5 == 2) return whim % count;
        for (part = 0; part < count; ++part) {
            (uint64 from, uint64 size) = _partOf(previous, part);
            if (_stateAt(mover, from + size) != previous.states[part]) return part;
        }
        return count - 1;
    }

    function _parent(uint256 where) internal view returns (bytes32 parent) {
        (parent,,) = settlement.latestConfirmed();
        if (where % 3 == 0 && seats.length > 0) parent = seats[where % seats.length].claimId;
    }

    function _rootOf(bytes32 claimId) internal view returns (bytes32) {
        if (claimId == settlement.genesisClaim()) return genesisRoot;
        return settlement.claims(claimId).stateRoot;
    }

    function _epochAfter(bytes32 parent) internal view returns (uint64) {
        return parent == settlement.genesisClaim() ? 0 : settlement.claims(parent).epoch + 1;
    }

    function _hasHonestBacker(bytes32 claimId) internal view returns (bool) {
        for (uint256 i = 0; i < noteds.length; ++i) {
            uint256 seat = noteds[i].honestSeat;
            if (seat != 0 && seats[seat - 1].claimId == claimId) return true;
        }
        return false;
    }

    function _note(bytes32 roundId, bytes32 parent, uint32 number, uint64 epoch, uint256 most) internal returns (Noted storage) {
        if (notedAt[roundId] == 0) {
            require(noteds.length < most, "enough rounds");
            noteds.push(Noted(roundId, parent, number, epoch, 0, false, 0));
            notedAt[roundId] = noteds.length;
        }
        return noteds[notedAt[roundId] - 1];
    }

    function _notedOf(bytes32 roundId) internal view returns (Noted storage) {
        return noteds[notedAt[roundId] - 1];
    }

    function _seat(Seat memory seat) internal {
        seats.push(seat);
        Noted storage noted = _notedOf(seat.roundId);
        noted.entryCount += 1;
        if (seat.player == honest()) noted.honestSeat = seats.length;
    }

    /// A seat and another one of its round, the earlier entry first.
    function _pair(uint256 which, uint256 other) internal view returns (Seat memory a, Seat memory b) {
        a = seats[which % seats.length];
        for (uint256 k = 0; k < seats.length; ++k) {
            Seat storage found = seats[(other % seats.length + k) % seats.length];
            if (found.roundId != a.roundId || found.n == a.n) continue;
            b = found;
            return a.n < b.n ? (a, b) : (b, a);
        }
        revert("no pair");
    }

    function _say(bytes32 roundId, uint32 i, uint32 j, Position memory position) internal {
        positions[roundId][i][j] = position;
    }

    function _said(bytes32 roundId, uint32 i, uint32 j) internal view returns (Position memory) {
        return positions[roundId][i][j];
    }

    function _nameLeaf(bytes32 roundId, uint32 i, uint32 j, Leaf memory leaf) internal {
        leaves[roundId][i][j] = leaf;
    }

    function _leaf(bytes32 roundId, uint32 i, uint32 j) internal view returns (Leaf memory) {
        return leaves[roundId][i][j];
    }

    /// Before a game ends: notes what the bonds of both are worth.
    function _beforeEnd(Seat memory a, Seat memory b) internal {
        stakes = [settlement.entries(a.roundId, a.n).bondWei, settlement.entries(b.roundId, b.n).bondWei];
    }

    uint96[2] private stakes;

    /// After it: at least half of what is left of a loser's bond after the gas is gone, and nobody honest lost.
    function _afterEnd(Seat memory a, Seat memory b, string memory action) internal {
        Seat[2] memory both = [a, b];
        for (uint256 i = 0; i < 2; ++i) {
            if (!settlement.entries(both[i].roundId, both[i].n).isDead) continue;
            isOut[both[i].roundId][both[i].n] = true;
            if (both[i].player == honest()) breach = "an honest entry was taken out";
            uint256 refund = settlement.config().gasRefundWei;
            if (refund > stakes[i] / 2) refund = stakes[i] / 2;
            mustBurnWei += (stakes[i] - refund) / 2;
        }
        _count(action);
    }

    function _count(string memory action) internal {
        if (calls[action] == 0) actions.push(action);
        calls[action] += 1;
        totalCalls += 1;
    }
}
