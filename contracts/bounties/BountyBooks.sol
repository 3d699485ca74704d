// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Bid, Bounty, Phase, Stage, Terms} from "../interfaces/IBountyBoard.sol";
import {IBountyEvents} from "../interfaces/IBountyEvents.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IJobEscrow} from "../interfaces/IJobEscrow.sol";
import {BountyTerms} from "./BountyTerms.sol";
import {TokenVault} from "./TokenVault.sol";

/// The board's books: what each bounty holds, whose it is, and which phase it is in. All of the board's state is here, since the code of
/// two contracts works on it.
abstract contract BountyBooks is IBountyEvents, TokenVault {
    /// Of the first funder for each base unit, so that rounding takes nothing that counts.
    uint256 private constant SHARE_BITS = 32;
    /// A pool worth less than so many bits of its shares begins anew.
    uint256 private constant ERA_BITS = 64;

    IJobEscrow internal immutable jobEscrow;
    IIdentityRegistry internal immutable identities;

    uint256 internal lastId;
    mapping(uint256 id => Terms) internal termsById;
    mapping(uint256 id => Bounty) internal bounties;
    mapping(uint256 id => mapping(uint32 era => mapping(address funder => uint256))) internal shares;
    mapping(uint256 id => mapping(address bidder => Bid)) internal bids;
    /// At most eight, the lowest first.
    mapping(uint256 id => address[]) internal ranked;
    mapping(uint256 jobId => uint256) internal bountyIdOfJob;

    constructor(IJobEscrow jobEscrow_, IIdentityRegistry identities_) {
        (jobEscrow, identities) = (jobEscrow_, identities_);
    }

    /// Books `amount` that the caller brings; begins bidding when the goal is reached. The money comes last.
    function _fund(uint256 id, uint128 amount) internal {
        if (amount == 0) revert ZeroAmount();
        Terms storage terms = termsById[id];
        Bounty storage bounty = bounties[id];
        (uint256 pool, uint256 total) = (bounty.pool, bounty.totalShares);
        if (pool + amount > BountyTerms.MAX_AMOUNT) revert AmountTooLarge(pool + amount, BountyTerms.MAX_AMOUNT);
        if (bounty.era == 0) (bounty.feeVersion, bounty.jobFeeVersion) = (feeVersion, jobEscrow.feeVersion());
        if (total == 0 || pool << ERA_BITS < total) {
            bounty.era += 1;
            total = 0;
        }
        uint256 minted = total == 0 ? uint256(amount) << SHARE_BITS : Math.mulDiv(amount, total, pool);
        shares[id][bounty.era][msg.sender] += minted;
        bounty.totalShares = total + minted;
        bounty.pool = uint128(pool + amount);
        emit Funded(id, msg.sender, amount, bounty.era, minted);
        if (bounty.stage == Stage.FUNDING && pool + amount >= terms.goal) _startRound(id);
        _take(terms.token, amount);
    }

    /// Bidding begins at COMMIT, or at AWARD when bids stand by.
    function _startRound(uint256 id) internal {
        Bounty storage bounty = bounties[id];
        Terms storage terms = termsById[id];
        bool standBy = bounty.stage == Stage.ENGAGED && bounty.liveBids != 0;
        uint256 awardFrom = block.timestamp + (standBy ? 0 : terms.commitSeconds + terms.revealSeconds);
        bounty.stage = Stage.BIDDING;
        bounty.round += 1;
        bounty.clock = uint40(awardFrom);
        emit RoundStarted(id, bounty.round, uint40(awardFrom));
    }

    function _close(uint256 id) internal {
        Bounty storage bounty = bounties[id];
        Phase phase = _phaseOf(id);
        if (phase == Phase.COMMIT || phase == Phase.REVEAL) bounty.cutRound = bounty.round;
        (bounty.stage, bounty.clock, bounty.left) = (Stage.CLOSED, uint40(block.timestamp), bounty.pool);
        emit Closed(id, bounty.pool);
    }

    function _requirePhase(uint256 id, Phase expected) internal view {
        Phase phase = _phaseOf(id);
        if (phase != expected) revert WrongPhase(id, phase);
    }

    function _phaseOf(uint256 id) internal view returns (Phase) {
        Bounty storage bounty = bounties[id];
        Stage stage = bounty.stage;
        if (stage == Stage.NONE) return Phase.NONE;
        if (stage == Stage.ENGAGED) return Phase.ENGAGED;
        if (stage == Stage.CLOSED) return Phase.CLOSED;

        Terms storage terms = termsById[id];
        uint256 clock = bounty.clock;
        if (stage == Stage.FUNDING) {
            return block.timestamp < clock + terms.fundingSeconds ? Phase.FUNDING : Phase.LAPSED;
        }
        if (block.timestamp < clock) {
            return block.timestamp + terms.revealSeconds < clock ? Phase.COMMIT : Phase.REVEAL;
        }
        uint256 awardSeconds = terms.awardSeconds;
        if (block.timestamp < clock + awardSeconds) return Phase.AWARD;
        bool hasFallback = terms.bidder == address(0) && block.timestamp < clock + 2 * awardSeconds;
        return hasFallback ? Phase.FALLBACK : Phase.LAPSED;
    }
}
