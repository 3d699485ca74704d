// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {Bid, BidStatus, Bounty, IBountyBoard, Phase, RewardKind, Stage, Terms} from "../interfaces/IBountyBoard.sol";
import {IBountyMeter} from "../interfaces/IBountyMeter.sol";
import {JobOpening, JobStatus, JobTerms} from "../interfaces/IJobEscrow.sol";
import {BountyCalls} from "./BountyCalls.sol";
import {BountyList} from "./BountyList.sol";
import {BountyTerms} from "./BountyTerms.sol";

/// Who is hired: its parts or units, its stake, its end.
abstract contract BountyWork is IBountyBoard, BountyList {
    using BountyTerms for Terms;
    using SafeERC20 for IERC20;

    uint256 private constant BEGIN_GAS = 1_000_000;
    uint256 private constant COLLECT_GAS = 500_000;
    uint256 private constant PART_GAS = 1_500_000;
    /// All that hiring asks and tells, with what it writes.
    uint256 internal constant HIRE_GAS = 2_500_000;
    /// Of a lost stake.
    uint256 private constant REPORTER_BPS = 1_000;
    uint256 private constant POOL_BPS = 4_000;

    modifier onlySelf() {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
        _;
    }

    /// What the escrow pays out.
    receive() external payable {
        if (msg.sender != address(jobEscrow)) revert NotEscrow(msg.sender);
    }

    /// @inheritdoc IBountyBoard
    function advance(uint256 id) external nonReentrant {
        _requirePhase(id, Phase.ENGAGED);
        Terms storage terms = termsById[id];
        if (terms.kind == RewardKind.METERED) revert WrongKind(terms.kind);
        Bounty storage bounty = bounties[id];
        uint256 jobId = bounty.jobId;
        if (!jobEscrow.hasEnded(jobId)) revert JobNotEnded(jobId);

        address token = terms.token;
        if (jobEscrow.credit(token, address(this)) != 0) {
            BountyCalls.requireGas(COLLECT_GAS);
            // What does not come now comes by `collect`. The bounty goes on without it.
            try jobEscrow.withdraw{gas: COLLECT_GAS}(token, address(this)) {} catch {}
        }
        uint256 refunded = jobEscrow.refundOf(jobId);
        bounty.pool += uint128(refunded);
        _admit(token, refunded);
        bool isCompleted = jobEscrow.statusOf(jobId) == JobStatus.Completed;
        emit PartEnded(id, jobId, bounty.part, isCompleted, refunded);
        if (!isCompleted) return _fail(id);

        uint8 part = ++bounty.part;
        if (part == terms.partsOf()) return _finish(id);
        BountyCalls.requireGas(PART_GAS);
        try BountyWork(payable(this)).openPart{gas: PART_GAS}(id) {} catch {
            emit PartNotStarted(id, part);
            _finish(id);
        }
    }

    /// @inheritdoc IBountyBoard
    function claimUnits(uint256 id) external nonReentrant {
        _requireMetered(id);
        if (_claim(id) == 0) revert NothingToClaim(id);
        _finishIfEmpty(id);
    }

    /// @inheritdoc IBountyBoard
    function finish(uint256 id) external nonReentrant {
        Terms storage terms = _requireMetered(id);
        uint256 overAt = uint256(bounties[id].clock) + terms.workSeconds + terms.settleSeconds;
        if (block.timestamp < overAt) revert NotOver(id, overAt);
        _claim(id);
        _finish(id);
    }

    /// @inheritdoc IBountyBoard
    function fail(uint256 id) external nonReentrant {
        Terms storage terms = _requireMetered(id);
        if (block.timestamp >= uint256(bounties[id].clock) + terms.workSeconds) revert NotFailed(id);
        (, uint256 word) =
            BountyCalls.ask(terms.source, abi.encodeCall(IBountyMeter.hasFailed, (address(this), id)), ASK_GAS);
        if (word != 1) revert NotFailed(id);
        _claim(id);
        if (!_finishIfEmpty(id)) _fail(id);
    }

    /// @inheritdoc IBountyBoard
    function collect(address token) external nonReentrant {
        jobEscrow.withdraw(token, address(this));
    }

    /// For the board itself: `_hire` as a call that can fail alone.
    function hire(uint256 id, address bidder, address caller) external onlySelf {
        _hire(id, bidder, caller);
    }

    /// For the board itself: `_openPart` as a call that can fail alone.
    function openPart(uint256 id) external onlySelf {
        _openPart(id);
    }

    /// Engages the bidder of a live bid.
    function _hire(uint256 id, address bidder, address caller) internal {
        Bid storage bid = bids[id][bidder];
        if (bid.status != BidStatus.REVEALED) revert NoBid(id, bidder, BidStatus.REVEALED);
        _requireHireable(id, bidder);
        Bounty storage bounty = bounties[id];
        Terms storage terms = termsById[id];
        _unlist(id, bidder);
        bid.status = BidStatus.AWARDED;
        (bounty.stage, bounty.worker, bounty.clock) = (Stage.ENGAGED, bidder, uint40(block.timestamp));
        emit Awarded(id, bidder, bid.agentId, bounty.round, bid.price, caller);
        if (terms.kind != RewardKind.METERED) return _openPart(id);

        bounty.paidUnits = 0;
        bytes memory data = abi.encodeCall(IBountyMeter.begin, (id, bidder, bid.agentId, terms.sourceParams));
        if (!BountyCalls.tell(terms.source, data, BEGIN_GAS)) revert MeterRefused(terms.source);
    }

    /// The job of the next part; its budget goes from the pool to the jobEscrow.
    function _openPart(uint256 id) private {
        Bounty storage bounty = bounties[id];
        Terms storage terms = termsById[id];
        uint8 part = bounty.part;
        uint256 price = bids[id][bounty.worker].price;
        uint256 budget = terms.dueOf(price, part + 1) - terms.dueOf(price, part);
        bounty.pool -= uint128(budget);
        _release(terms.token, budget);
        uint256 jobId = _openJob(id, terms, uint128(budget));
        bounty.jobId = jobId;
        bountyIdOfJob[jobId] = id;
        emit PartStarted(id, jobId, part, budget);
    }

    function _openJob(uint256 id, Terms storage terms, uint128 budget) private returns (uint256) {
        Bounty storage bounty = bounties[id];
        bool isVerified = terms.kind == RewardKind.VERIFIED;
        address token = terms.token;
        JobOpening memory opening = JobOpening({
            provider: bounty.worker,
            evaluator: isVerified ? terms.source : terms.evaluator,
            expiredAt: uint64(block.timestamp + terms.workSeconds),
            providerAgentId: bids[id][bounty.worker].agentId,
            budget: budget,
            feeVersion: bounty.jobFeeVersion
        });
        JobTerms memory jobTerms = JobTerms({
            token: token,
            arbiter: terms.arbiter,
            reviewSeconds: terms.reviewSeconds,
            disputeSeconds: terms.disputeSeconds,
            rulingSeconds: terms.rulingSeconds,
            unruledBps: terms.unruledBps,
            isVerified: isVerified,
            specHash: isVerified ? keccak256(terms.sourceParams) : bytes32(0)
        });
        string memory description = string.concat("bounty ", Strings.toString(id));
        if (token == address(0)) return jobEscrow.openFunded{value: budget}(opening, jobTerms, description);
        IERC20(token).forceApprove(address(jobEscrow), budget);
        return jobEscrow.openFunded(opening, jobTerms, description);
    }

    /// Credits what the meter counted and was not paid yet, as far as the pool goes. @return units paid
    function _claim(uint256 id) internal returns (uint256 units) {
        Bounty storage bounty = bounties[id];
        Terms storage terms = termsById[id];
        (, uint256 all) =
            BountyCalls.ask(terms.source, abi.encodeCall(IBountyMeter.unitsOf, (address(this), id)), ASK_GAS);
        uint256 paid = bounty.paidUnits;
        if (all <= paid) return 0;
        address worker = bounty.worker;
        uint256 price = bids[id][worker].price;
        units = bounty.pool / price;
        if (units > all - paid) units = all - paid;
        if (units == 0) return 0;
        // At most the pool, as are all units together.
        uint256 amount = units * price;
        bounty.pool -= uint128(amount);
        bounty.paidUnits = uint128(paid + units);
        emit Claimed(id, worker, units, amount);
        _creditLessFee(terms.token, worker, amount, bounty.feeVersion);
    }

    /// Metered work ends when the pool pays for no more of it.
    function _finishIfEmpty(uint256 id) private returns (bool isEmpty) {
        Bounty storage bounty = bounties[id];
        isEmpty = bounty.pool < bids[id][bounty.worker].price;
        if (isEmpty) _finish(id);
    }

    /// The end of work that was done: the stake is back.
    function _finish(uint256 id) private {
        address worker = _dismiss(id);
        emit Finished(id, worker);
        _credit(termsById[id].token, worker, termsById[id].stake);
        _close(id);
    }

    /// The end of work that was not done: the stake is lost, and the next may try.
    function _fail(uint256 id) private {
        address worker = _dismiss(id);
        Terms storage terms = termsById[id];
        address token = terms.token;
        uint256 stake = terms.stake;
        (uint256 reward, uint256 toPool) = (stake * REPORTER_BPS / BPS, stake * POOL_BPS / BPS);
        bounties[id].pool += uint128(toPool);
        emit Failed(id, worker, msg.sender, reward, toPool, stake - reward - toPool);
        _credit(token, msg.sender, reward);
        _burn(token, stake - reward - toPool);
        if (bounties[id].round < terms.maxRounds) _startRound(id);
        else _close(id);
    }

    function _dismiss(uint256 id) private returns (address worker) {
        worker = bounties[id].worker;
        delete bids[id][worker];
        bounties[id].worker = address(0);
    }

    function _requireMetered(uint256 id) private view returns (Terms storage terms) {
        _requirePhase(id, Phase.ENGAGED);
        terms = termsById[id];
        if (terms.kind != RewardKind.METERED) revert WrongKind(terms.kind);
    }
}
