// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bid, BidStatus, Bounty, Document, Phase, Stage, Terms} from "../interfaces/IBountyBoard.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IJobEscrow} from "../interfaces/IJobEscrow.sol";
import {BountyBooks} from "./BountyBooks.sol";
import {BountyList} from "./BountyList.sol";
import {BountyTerms} from "./BountyTerms.sol";
import {TokenVault} from "./TokenVault.sol";

/// The part of the board's code that takes bounties and bids: one contract cannot hold all of it. It has no state of its own and does
/// nothing by itself; the board, which makes it, runs it as its own code.
contract BountyIntake is BountyList {
    uint256 private constant MAX_RANKED = 8;

    address private immutable self = address(this);

    error NotForBoard();

    /// Nobody's money ends here.
    modifier onlyForBoard() {
        if (address(this) == self) revert NotForBoard();
        _;
    }

    constructor(IJobEscrow jobEscrow_, IIdentityRegistry identities_)
        BountyBooks(jobEscrow_, identities_)
        TokenVault(msg.sender, 0, address(0))
    {}

    /// See `IBountyBoard`.
    function post(Terms calldata terms, Document calldata intent, Document calldata spec, uint128 amount)
        external
        payable
        onlyForBoard
        nonReentrant
        returns (uint256 id)
    {
        BountyTerms.check(terms, msg.sender);
        id = ++lastId;
        termsById[id] = terms;
        Bounty storage bounty = bounties[id];
        (bounty.poster, bounty.stage, bounty.clock) = (msg.sender, Stage.FUNDING, uint40(block.timestamp));
        emit BountyPosted(id, msg.sender, terms, intent.uri, intent.hash, spec.uri, spec.hash);
        if (amount != 0) _fund(id, amount);
        else _take(address(0), 0);
    }

    /// See `IBountyBoard`.
    function commitBid(uint256 id, bytes32 commitment) external payable onlyForBoard nonReentrant {
        _requirePhase(id, Phase.COMMIT);
        Bid storage bid = bids[id][msg.sender];
        if (bid.status != BidStatus.NONE) revert AlreadyBid(id, msg.sender);
        Terms storage terms = termsById[id];
        _requireUnbiased(terms, msg.sender);

        (bid.commitment, bid.round, bid.status) = (commitment, bounties[id].round, BidStatus.COMMITTED);
        emit BidCommitted(id, bid.round, msg.sender, commitment);
        _take(terms.token, terms.stake);
    }

    /// See `IBountyBoard`.
    function revealBid(uint256 id, uint256 agentId, uint128 price, bytes32 salt) external onlyForBoard nonReentrant {
        _requirePhase(id, Phase.REVEAL);
        Bounty storage bounty = bounties[id];
        Bid storage bid = bids[id][msg.sender];
        uint8 round = bounty.round;
        if (bid.status != BidStatus.COMMITTED || bid.round != round) revert NoBid(id, msg.sender, BidStatus.COMMITTED);
        bytes32 expected = _commitmentOf(id, round, msg.sender, agentId, price, salt);
        if (bid.commitment != expected) revert WrongReveal(bid.commitment, expected);
        Terms storage terms = termsById[id];
        (uint256 min, uint256 max) = (BountyTerms.minPrice(terms.kind), terms.ceiling);
        if (price < min || price > max) revert BadPrice(price, min, max);

        _show(id, bid, agentId, price);
        _requireHireable(id, msg.sender);
        emit BidRevealed(id, round, msg.sender, agentId, price);
        _insert(id, msg.sender);
    }

    /// See `IBountyBoard`.
    function rank(uint256 id, address bidder) external onlyForBoard nonReentrant {
        if (bids[id][bidder].status != BidStatus.REVEALED) revert NoBid(id, bidder, BidStatus.REVEALED);
        address[] storage list = ranked[id];
        uint256 count = list.length;
        for (uint256 i; i < count; ++i) {
            if (list[i] == bidder) revert NotLower(id, bidder);
        }
        if (!_insert(id, bidder)) revert NotLower(id, bidder);
    }

    /// See `IBountyBoard`.
    function withdrawBid(uint256 id, address bidder) external onlyForBoard nonReentrant {
        Bounty storage bounty = bounties[id];
        Bid storage bid = bids[id][bidder];
        BidStatus status = bid.status;
        Phase phase = _phaseOf(id);
        bool isBidding = bid.round == bounty.round && (phase == Phase.COMMIT || phase == Phase.REVEAL);
        uint256 stake = termsById[id].stake;
        uint256 burned;
        if (status == BidStatus.REVEALED) {
            if (msg.sender != bidder && phase != Phase.CLOSED) revert BidStands(id, bidder);
            if (isBidding) revert WrongPhase(id, phase);
            _unlist(id, bidder);
            emit BidWithdrawn(id, bidder);
        } else if (status == BidStatus.COMMITTED) {
            if (isBidding) revert WrongPhase(id, phase);
            // Whoever had its whole time to reveal pays for not doing it.
            if (bid.round != bounty.cutRound) burned = stake - stake / 2;
            if (burned == 0) emit BidWithdrawn(id, bidder);
            else emit BidForfeited(id, bidder, burned);
        } else {
            revert NoBid(id, bidder, BidStatus.REVEALED);
        }
        delete bids[id][bidder];
        address token = termsById[id].token;
        _credit(token, bidder, stake - burned);
        _burn(token, burned);
    }

    /// @return isIn whether it is among the eight lowest
    function _insert(uint256 id, address bidder) private returns (bool isIn) {
        address[] storage list = ranked[id];
        mapping(address => Bid) storage all = bids[id];
        (uint256 price, uint256 order) = (all[bidder].price, all[bidder].order);
        uint256 count = list.length;
        uint256 place = count;
        for (; place != 0; --place) {
            Bid storage other = all[list[place - 1]];
            if (other.price < price || (other.price == price && other.order < order)) break;
        }
        if (place == MAX_RANKED) return false;
        if (count == MAX_RANKED) --count;
        else list.push();
        for (; count > place; --count) {
            list[count] = list[count - 1];
        }
        list[place] = bidder;
        emit BidRanked(id, bidder, place);
        return true;
    }
}
