// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RewardKind, Terms} from "../interfaces/IBountyBoard.sol";
import {IBountyEvents} from "../interfaces/IBountyEvents.sol";

/// What terms may say, and what they cost.
library BountyTerms {
    uint16 internal constant BPS = 10_000;
    uint256 internal constant MAX_PARTS = 16;
    uint256 internal constant MAX_ROUNDS = 8;
    uint256 internal constant MAX_PHASE_SECONDS = 30 days;
    uint256 internal constant MAX_WORK_SECONDS = 366 days;
    uint256 internal constant MAX_PARAMS_BYTES = 2_048;
    /// Of an amount: with it, no sum of a bounty comes near to 128 bits.
    uint256 internal constant MAX_AMOUNT = type(uint120).max;

    /// Reverts for terms that could not be met, or not ended.
    function check(Terms calldata terms, address poster) internal view {
        if (terms.maxRounds == 0 || terms.maxRounds > MAX_ROUNDS) revert IBountyEvents.BadTerms("maxRounds");
        if (terms.token != address(0) && terms.token.code.length == 0) revert IBountyEvents.BadTerms("token");
        if (terms.goal == 0 || terms.goal > MAX_AMOUNT) revert IBountyEvents.BadTerms("goal");
        if (terms.stake > MAX_AMOUNT) revert IBountyEvents.BadTerms("stake");
        if (terms.ceiling < minPrice(terms.kind) || terms.ceiling > MAX_AMOUNT) revert IBountyEvents.BadTerms("ceiling");
        _seconds(terms.fundingSeconds, true, "fundingSeconds");
        _seconds(terms.awardSeconds, true, "awardSeconds");
        bool isOpen = terms.bidder == address(0);
        _seconds(terms.commitSeconds, isOpen, "commitSeconds");
        _seconds(terms.revealSeconds, isOpen, "revealSeconds");
        _checkParts(terms);
        if (terms.minProvenCalls == 0) {
            if (terms.proofOfService != address(0)) revert IBountyEvents.BadTerms("proofOfService");
        } else if (terms.proofOfService.code.length == 0) {
            revert IBountyEvents.BadTerms("proofOfService");
        }
        _checkJudges(terms, poster);
        if (isOpen) return;
        address bidder = terms.bidder;
        if (bidder == terms.evaluator || bidder == terms.arbiter || bidder == terms.source) {
            revert IBountyEvents.BadTerms("bidder");
        }
        // It is taken at the ceiling.
        if (terms.goal < terms.ceiling) revert IBountyEvents.BadTerms("goal");
    }

    /// With less, a part could cost nothing.
    function minPrice(RewardKind kind) internal pure returns (uint256) {
        return kind == RewardKind.MILESTONES ? BPS : 1;
    }

    /// What the first `parts` parts cost together.
    function dueOf(Terms storage terms, uint256 price, uint256 parts) internal view returns (uint256) {
        uint256 count = terms.shares.length;
        if (count == 0) return parts == 0 ? 0 : price;
        uint256 share;
        for (uint256 i; i < parts; ++i) {
            share += terms.shares[i];
        }
        return price * share / BPS;
    }

    function partsOf(Terms storage terms) internal view returns (uint256) {
        uint256 count = terms.shares.length;
        return count == 0 ? 1 : count;
    }

    function _checkParts(Terms calldata terms) private pure {
        uint256 parts = terms.shares.length;
        if (terms.kind == RewardKind.MILESTONES) {
            if (parts < 2 || parts > MAX_PARTS) revert IBountyEvents.BadTerms("shares");
            uint256 sum;
            for (uint256 i; i < parts; ++i) {
                if (terms.shares[i] == 0) revert IBountyEvents.BadTerms("shares");
                sum += terms.shares[i];
            }
            if (sum != BPS) revert IBountyEvents.BadTerms("shares");
        } else {
            if (parts != 0) revert IBountyEvents.BadTerms("shares");
            parts = 1;
        }
        if (terms.workSeconds == 0 || parts * terms.workSeconds > MAX_WORK_SECONDS) {
            revert IBountyEvents.BadTerms("workSeconds");
        }
    }

    /// Who decides about the work, and how long it may take.
    function _checkJudges(Terms calldata terms, address poster) private view {
        bool isMetered = terms.kind == RewardKind.METERED;
        bool isByContract = isMetered || terms.kind == RewardKind.VERIFIED;
        if (isByContract != (terms.evaluator == address(0))) revert IBountyEvents.BadTerms("evaluator");
        if (isByContract ? terms.source.code.length == 0 : terms.source != address(0)) {
            revert IBountyEvents.BadTerms("source");
        }
        if (terms.sourceParams.length > (isByContract ? MAX_PARAMS_BYTES : 0)) revert IBountyEvents.BadTerms("sourceParams");
        _seconds(terms.settleSeconds, isMetered, "settleSeconds");
        _seconds(terms.reviewSeconds, !isMetered, "reviewSeconds");
        bool hasArbiter = terms.arbiter != address(0);
        bool isBiased = terms.arbiter == poster || terms.arbiter == terms.evaluator || terms.arbiter == address(this);
        if (hasArbiter && (isByContract || isBiased)) revert IBountyEvents.BadTerms("arbiter");
        _seconds(terms.disputeSeconds, hasArbiter, "disputeSeconds");
        _seconds(terms.rulingSeconds, hasArbiter, "rulingSeconds");
        if (terms.unruledBps > (hasArbiter ? BPS : 0)) revert IBountyEvents.BadTerms("unruledBps");
    }

    function _seconds(uint32 value, bool isUsed, string memory field) private pure {
        if (isUsed ? value == 0 || value > MAX_PHASE_SECONDS : value != 0) revert IBountyEvents.BadTerms(field);
    }
}
