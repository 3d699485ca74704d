// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BidStatus, Phase, RewardKind, Terms} from "./IBountyBoard.sol";

/// What the board says, and why it refuses. The events tell the whole state of every bounty.
interface IBountyEvents {
    event BountyPosted(
        uint256 indexed id,
        address indexed poster,
        Terms terms,
        string intentURI,
        bytes32 intentHash,
        string specURI,
        bytes32 specHash
    );
    /// @param shares what the funder got for it, of `era`; a new era makes the shares before it void
    event Funded(uint256 indexed id, address indexed funder, uint256 amount, uint32 era, uint256 shares);
    /// Bidding begins, or goes on with the bids that stand by. @param awardFrom when AWARD begins
    event RoundStarted(uint256 indexed id, uint8 round, uint40 awardFrom);
    event BidCommitted(uint256 indexed id, uint8 indexed round, address indexed bidder, bytes32 commitment);
    event BidRevealed(uint256 indexed id, uint8 indexed round, address indexed bidder, uint256 agentId, uint256 price);
    /// @param place in the list of the lowest, from 0; whoever is ninth by it falls out
    event BidRanked(uint256 indexed id, address indexed bidder, uint256 place);
    event BidWithdrawn(uint256 indexed id, address indexed bidder);
    /// Committed and not revealed in time.
    event BidForfeited(uint256 indexed id, address indexed bidder, uint256 burned);
    /// @param caller the poster, whoever called `awardBest`, or the bidder itself
    event Awarded(
        uint256 indexed id,
        address indexed bidder,
        uint256 indexed agentId,
        uint8 round,
        uint256 price,
        address caller
    );
    /// `budget` left the pool.
    event PartStarted(uint256 indexed id, uint256 indexed jobId, uint8 part, uint256 budget);
    /// `refund` came back to the pool.
    event PartEnded(uint256 indexed id, uint256 indexed jobId, uint8 part, bool isCompleted, uint256 refund);
    /// The next part could not be paid for, by no fault of the worker.
    event PartNotStarted(uint256 indexed id, uint8 part);
    /// `amount` left the pool, fee included. @param units paid by this claim
    event Claimed(uint256 indexed id, address indexed bidder, uint256 units, uint256 amount);
    /// The engagement ended well, and the stake is back.
    event Finished(uint256 indexed id, address indexed bidder);
    /// The engagement ended badly. Of the stake, `reward` went to the reporter and `toPool` to the pool.
    event Failed(
        uint256 indexed id,
        address indexed bidder,
        address indexed reporter,
        uint256 reward,
        uint256 toPool,
        uint256 burned
    );
    /// @param left for the funders
    event Closed(uint256 indexed id, uint256 left);
    event Refunded(uint256 indexed id, address indexed funder, uint256 amount);

    error BadTerms(string field);
    error WrongPhase(uint256 id, Phase phase);
    error NotPoster(address caller, address poster);
    error NotNamed(address caller, address bidder);
    /// Nothing can be added to a pool without an amount.
    error ZeroAmount();
    error AlreadyBid(uint256 id, address bidder);
    /// The account has no bid of that kind on the bounty.
    error NoBid(uint256 id, address bidder, BidStatus status);
    error WrongReveal(bytes32 commitment, bytes32 expected);
    error BadPrice(uint256 price, uint256 min, uint256 max);
    /// What is left of the work costs more than there is.
    error PoolTooSmall(uint256 pool, uint256 cost);
    error NotOfAgent(address bidder, uint256 agentId);
    error TooFewProvenCalls(uint256 agentId, uint256 calls, uint256 minCalls);
    /// Evaluator, arbiter: nobody judges its own work.
    error Biased(address bidder);
    /// The list has eight that are not higher, or the bid is in it.
    error NotLower(uint256 id, address bidder);
    error BidStands(uint256 id, address bidder);
    error NobodyToHire(uint256 id);
    error MeterRefused(address meter);
    // And `TooLittleGas` of BountyCalls: what is left would not give the called contract its share.
    error WrongKind(RewardKind kind);
    error JobNotEnded(uint256 jobId);
    error NothingToClaim(uint256 id);
    error NotOver(uint256 id, uint256 overAt);
    error NotFailed(uint256 id);
    error NothingToRefund(uint256 id, address funder);
    error NotSelf(address caller);
    error NotEscrow(address sender);
}
