// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyEvents} from "./IBountyEvents.sol";
import {IIdentityRegistry} from "./IIdentityRegistry.sol";
import {IJobEscrow} from "./IJobEscrow.sol";
import {ITokenVault} from "./ITokenVault.sol";

/// What somebody is hired as. It binds nobody: it is there to be found by.
enum Role {
    SEQUENCER,
    RPC_PROVIDER,
    BRIDGE,
    VALIDATOR,
    OTHER
}

enum RewardKind {
    /// One job, judged by the evaluator.
    LUMP,
    /// 2 to 16 jobs one after the other.
    MILESTONES,
    /// One job, judged by the verifier `source`.
    VERIFIED,
    /// Units of the meter `source`, as long as the pool lasts.
    METERED
}

/// Where a bounty is at a time: its `Stage`, and what the clock makes of it.
enum Phase {
    NONE,
    FUNDING,
    COMMIT,
    REVEAL,
    AWARD,
    FALLBACK,
    ENGAGED,
    /// A time ran out with nobody hired: `reopen` if a round is left, else `close`; after FUNDING `close`. By anyone.
    LAPSED,
    CLOSED
}

enum Stage {
    NONE,
    FUNDING,
    BIDDING,
    ENGAGED,
    CLOSED
}

/// What a bounty says, for good. Amounts are base units of `token`, times are seconds.
struct Terms {
    Role role;
    RewardKind kind;
    /// How often bidding may begin or go on after a failure, 1 to 8.
    uint8 maxRounds;
    /// What the worker gets, in 1/10,000, if the arbiter is silent.
    uint16 unruledBps;
    /// 0 for ETH.
    address token;
    uint32 fundingSeconds;
    /// Pool with which bidding begins.
    uint128 goal;
    /// The highest price: of all the work, or of a unit (METERED).
    uint128 ceiling;
    /// What each bidder puts up.
    uint128 stake;
    /// Proven calls that a bidder's agent needs.
    uint64 minProvenCalls;
    /// Of a round; both 0 if one bidder is named.
    uint32 commitSeconds;
    uint32 revealSeconds;
    /// Where calls are proven; 0 if none are asked for.
    address proofOfService;
    /// Of AWARD, and of FALLBACK.
    uint32 awardSeconds;
    /// Of each part, from its beginning.
    uint32 workSeconds;
    /// METERED: after the work, until what it earned is confirmed. 0 otherwise.
    uint32 settleSeconds;
    /// LUMP, MILESTONES: judges the work. 0 otherwise.
    address evaluator;
    /// For jobs: see `IJobEscrow`. 0 when METERED.
    uint32 reviewSeconds;
    /// With an arbiter. 0 otherwise.
    uint32 disputeSeconds;
    uint32 rulingSeconds;
    /// 0 for none.
    address arbiter;
    /// Direct award: who may take it, at the ceiling. 0: open bidding.
    address bidder;
    /// METERED: the meter. VERIFIED: the verifier. 0 otherwise.
    address source;
    /// MILESTONES: of the parts, in 1/10,000. Empty otherwise.
    uint16[] shares;
    /// METERED: for the meter. VERIFIED: the specification in the verifier's encoding; the job has its hash. At most 2,048 bytes.
    /// Empty otherwise.
    bytes sourceParams;
}

/// Text elsewhere, with the keccak256 of its bytes.
struct Document {
    string uri;
    bytes32 hash;
}

/// Where a bounty stands.
struct Bounty {
    address poster;
    Stage stage;
    /// From 1 when bidding begins.
    uint8 round;
    /// How many parts are completed.
    uint8 part;
    /// The round whose bids could not all be revealed, since the bounty was closed before; 0 for none.
    uint8 cutRound;
    /// FUNDING: of its posting. BIDDING: when AWARD begins or began. ENGAGED: when this engagement began. CLOSED: of its end.
    uint40 clock;
    /// What is in it for work; after the end, for refunds.
    uint128 pool;
    /// The pool at the end.
    uint128 left;
    /// Who is engaged, or 0.
    address worker;
    /// Fees that held when it was funded first: the board's, and the escrow's.
    uint32 feeVersion;
    uint32 jobFeeVersion;
    /// Shares of earlier eras are void: what they paid in is spent.
    uint32 era;
    uint256 totalShares;
    /// The job of the part in work.
    uint256 jobId;
    /// METERED: in this engagement.
    uint128 paidUnits;
    /// Bids that are revealed and not withdrawn or awarded.
    uint64 liveBids;
    /// How many were ever revealed.
    uint64 revealed;
}

enum BidStatus {
    NONE,
    COMMITTED,
    REVEALED,
    AWARDED
}

/// A bid; each account has at most one on a bounty.
struct Bid {
    /// COMMITTED: `commitmentOf` its round, agent, price and salt.
    bytes32 commitment;
    uint256 agentId;
    uint128 price;
    /// Place in the order of revealing: the earlier one of equals is first.
    uint64 order;
    uint8 round;
    BidStatus status;
}

/// Bounties: what is wanted, who does it, at which price, and what has been earned (docs/BOUNTIES.md, section 6).
///
/// Every phase ends by time and calls that anyone may make. Nobody but the meter, verifier, evaluator and arbiter that the terms name
/// decides about work; nobody pays anybody but by a credit. A meter or token that misbehaves hurts the bounties that chose it.
interface IBountyBoard is IBountyEvents, ITokenVault {
    /// Posts a bounty, and funds it if `amount` is not 0. Terms that could not end are refused.
    function post(Terms calldata terms, Document calldata intent, Document calldata spec, uint128 amount)
        external
        payable
        returns (uint256 id);

    /// Adds to the pool while nobody is engaged, or to metered work, after a claim of what is earned. With the goal, bidding begins.
    function fund(uint256 id, uint128 amount) external payable;

    /// Bids, with the stake. @param commitment `commitmentOf` what is revealed later
    function commitBid(uint256 id, bytes32 commitment) external payable;

    function revealBid(uint256 id, uint256 agentId, uint128 price, bytes32 salt) external;

    /// Puts a bid that stands by into the list of the lowest, where others left it. Anyone may.
    function rank(uint256 id, address bidder) external;

    /// Gives the stake back: of a revealed bid that is not awarded, to its bidder, by anyone once the bounty is closed; of a bid that was
    /// not revealed in time half, by anyone.
    function withdrawBid(uint256 id, address bidder) external;

    /// The poster hires.
    function award(uint256 id, address bidder) external;

    /// Hires the lowest of the list that can be hired. Anyone may, after the poster's time.
    function awardBest(uint256 id) external;

    /// Who was named takes it, with the stake, at the ceiling.
    function take(uint256 id, uint256 agentId) external payable;

    /// Goes on when the job of a part has ended. Anyone may.
    function advance(uint256 id) external;

    /// Credits the worker with the units that are not paid yet. Anyone may.
    function claimUnits(uint256 id) external;

    /// Ends metered work in time: a last claim, and the stake is back. Anyone may.
    function finish(uint256 id) external;

    /// Ends metered work that the meter calls failed: a last claim, and the stake is lost. Anyone may.
    function fail(uint256 id) external;

    /// Begins the next round when a round ended with nobody hired. Anyone may.
    function reopen(uint256 id) external;

    /// By the poster while nobody is engaged; by anyone when the funding or the rounds are over, or the pool is empty.
    function close(uint256 id) external;

    /// Credits a funder with its part of what is left. Anyone may.
    function refund(uint256 id, address funder) external;

    /// Fetches what the escrow owes to the board. Anyone may; `advance` does it.
    function collect(address token) external;

    function escrow() external view returns (IJobEscrow);
    function identityRegistry() external view returns (IIdentityRegistry);
    /// Ids are 1 to this.
    function bountyCount() external view returns (uint256);
    function termsOf(uint256 id) external view returns (Terms memory);
    function bountyOf(uint256 id) external view returns (Bounty memory);
    function phaseOf(uint256 id) external view returns (Phase);
    function bidOf(uint256 id, address bidder) external view returns (Bid memory);
    /// At most eight, the lowest first.
    function rankedOf(uint256 id) external view returns (address[] memory);
    /// Of the present era.
    function sharesOf(uint256 id, address funder) external view returns (uint256);
    /// The bounty that opened a job of the escrow; 0 for none.
    function bountyOfJob(uint256 jobId) external view returns (uint256);
    function commitmentOf(uint256 id, uint8 round, address bidder, uint256 agentId, uint128 price, bytes32 salt)
        external
        view
        returns (bytes32);
}
