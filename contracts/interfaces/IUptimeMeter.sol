// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyMeter} from "./IBountyMeter.sol";

/// What a bounty says about the uptime that it pays for; ABI-encoded, the `params` of `begin`.
struct UptimeTerms {
    /// Who attests: at most 16, strictly ascending. Empty: the first 16 staked validators that commit in a period.
    address[] panel;
    /// keccak256 of the endpoint's URL in UTF-8; 0 when the operator announces it.
    bytes32 endpointHash;
    uint32 periodSeconds;
    /// From the end of a period on; at most a period, so that periods are committed to one after the other.
    uint32 commitSeconds;
    /// From then on.
    uint32 revealSeconds;
    /// So many must reveal, or the period counts for nothing. More than half of a named panel.
    uint8 quorum;
    /// How far from the median an honest measurement may be, in 1/10,000.
    uint16 toleranceBps;
    /// A period below it is bad.
    uint16 floorBps;
    /// So many bad periods in a row are a failure; at least 1.
    uint16 badPeriods;
}

struct Engagement {
    address operator;
    uint256 agentId;
    uint40 begunAt;
    uint32 periodSeconds;
    uint32 commitSeconds;
    uint32 revealSeconds;
    uint8 quorum;
    uint16 toleranceBps;
    uint16 floorBps;
    uint16 badPeriods;
    /// Bad periods in a row up to now.
    uint16 badRow;
    bool hasFailed;
    /// The bounty began anew: nothing is committed here any more.
    bool isReplaced;
    /// The operator announces where its endpoint is.
    bool isEndpointOpen;
    /// keccak256(abi.encodePacked(panel)), 0 for an open one.
    bytes32 panelHash;
    /// keccak256(abi.encode(board, id))
    bytes32 bountyKey;
    uint128 units;
    /// 1 + the oldest period that is committed to and not tallied, 0 if there is none.
    uint32 oldest;
    /// 1 + the last period that was committed to, 0 before the first.
    uint32 last;
}

struct Period {
    address[] committers;
    /// 1 + the next period that was committed to, 0 while there is none.
    uint32 next;
    bool isTallied;
    bool hasQuorum;
    bool isPublished;
    uint8 revealed;
    /// Of an even number of values the lower of the two in the middle.
    uint16 medianBps;
}

struct Stake {
    uint96 amountWei;
    /// What commitments that are not tallied could cost.
    uint96 lockedWei;
    /// When it can be withdrawn; 0 before `unbond`.
    uint40 payableAt;
}

/// What a validator did for a bounty, in all its rounds.
struct Attested {
    /// Values within the tolerance, in periods with a quorum.
    uint64 within;
    uint64 slashed;
}

/// Meter of attested uptime (docs/BOUNTIES.md, section 6). Staked validators commit to what they measured in a period, then reveal it; the
/// median is added to the units. Nobody owns it.
///
/// It believes a majority of the panel. What it takes from anybody (units from the pool, an operator's good name, a validator's stake) needs
/// more than half of those that revealed: units are the lower middle value, a period is bad if the upper one is, and
/// who is slashed is outside of both.
interface IUptimeMeter is IBountyMeter {
    event Begun(
        bytes32 indexed key,
        address indexed board,
        uint256 indexed id,
        uint64 round,
        address operator,
        uint256 agentId,
        UptimeTerms terms
    );
    event Announced(bytes32 indexed key, string url);
    event Joined(address indexed validator, uint256 addedWei, uint256 stakeWei);
    event Unbonding(address indexed validator, uint256 payableAt);
    event StakePaid(address indexed validator, address to, uint256 amountWei);
    event Committed(bytes32 indexed key, uint32 indexed period, address indexed validator, bytes32 commitment);
    event Revealed(bytes32 indexed key, uint32 indexed period, address indexed validator, uint256 uptimeBps);
    event Tallied(bytes32 indexed key, uint32 indexed period, uint256 lowerBps, uint256 upperBps, uint256 revealed, bool hasQuorum);
    /// @param isSilent did not reveal; otherwise farther off than the tolerance
    event Slashed(address indexed validator, bytes32 indexed key, uint32 indexed period, uint256 burnedWei, bool isSilent);
    event Failed(bytes32 indexed key, uint32 indexed period);
    event Published(bytes32 indexed key, uint32 indexed period, bytes32 requestHash, uint256 response);

    error ZeroRegistry();
    error StakeTooSmall(uint256 stakeWei, uint256 minStakeWei);
    error StakeTooLarge(uint256 stakeWei);
    error NoStake(address validator);
    error AlreadyUnbonding(address validator);
    error StakeLocked(address validator, uint256 lockedWei, uint256 payableAt);
    // And those of EtherCredit: `NothingBurned`, `PaymentFailed`.

    error PanelTooLarge(uint256 size, uint256 maxSize);
    /// The panel is not strictly ascending at this place.
    error PanelNotAscending(uint256 place);
    error BadQuorum(uint256 quorum, uint256 panelSize);
    error BadShare(uint256 bps);
    error BadLength(string name, uint256 value);

    error UnknownEngagement(bytes32 key);
    error EngagementOver(bytes32 key);
    error NotOperator(address caller, address operator);
    error EndpointFixed(bytes32 key);
    error WrongPanel(bytes32 given, bytes32 expected);
    error NotOnPanel(address validator);
    error OperatorAttests(address operator);
    error PanelFull(bytes32 key, uint32 period);
    /// No hash: smaller than any that will ever be found.
    error BadCommitment(bytes32 commitment);
    error AlreadyCommitted(address validator, uint32 period);
    /// The call belongs into `from` … `until` (exclusive), in L1 seconds.
    error NotInWindow(uint256 now_, uint256 from, uint256 until);
    error BadUptime(uint256 uptimeBps);
    /// Not what was committed to, not committed at all, or revealed already.
    error WrongReveal(bytes32 given, bytes32 committed);
    /// Periods are tallied in order. `oldest` is 1 + the one that is due next, 0 if there is none.
    error NotNext(uint32 period, uint32 oldest);
    error NotAttested(bytes32 key, uint32 period);
    error AlreadyPublished(bytes32 key, uint32 period);
    error WrongRequest(bytes32 requestHash, address validator, uint256 agentId);

    /// Adds to the caller's stake, which must come to `minStakeWei` at least.
    function join() external payable;
    /// The caller commits to nothing any more, and has its stake after `unbondingSeconds`.
    function unbond() external;
    /// Pays a stake that was left, when everything that it answers for is tallied. Calls `to`.
    function withdrawStake(address to) external;
    /// Sends what was burned where nobody can use it. Anyone may.
    function withdrawBurned() external;

    /// Where the operator serves, if the terms name no endpoint. It counts for what is measured afterwards.
    function announce(bytes32 key, string calldata url) external;
    /// Commits the caller to what it measured in a period that is over. A tenth of the minimum stake is locked until the tally.
    /// @param panel of the terms, empty if that is open
    /// @param commitment see `commitmentOf`. The salt must be 32 random bytes, new for every period: there are only 10,001 values to try
    function commit(bytes32 key, address[] calldata panel, uint32 period, bytes32 commitment) external;
    function reveal(bytes32 key, uint32 period, uint16 uptimeBps, bytes32 salt) external;
    /// Settles the oldest period that was committed to, after its reveal window. Anyone may; calls nobody, and at most 16 take part.
    function tally(bytes32 key, uint32 period) external;
    /// Answers a request of the operator's agent in the ValidationRegistry with the period's median in hundredths; once a period, anyone may.
    /// @param salt of the agent's choice (see `requestHashOf`), so that a request hash that somebody else took is no loss
    function publish(bytes32 key, uint32 period, bytes32 salt) external;

    /// Reverts as `begin` would.
    function checkTerms(UptimeTerms calldata terms) external view;
    function minStakeWei() external view returns (uint256);
    /// What a commitment puts at stake.
    function penaltyWei() external view returns (uint256);
    function unbondingSeconds() external view returns (uint32);
    function burned() external view returns (uint256);
    function stakeOf(address validator) external view returns (Stake memory);
    function attestedOf(address validator, address board, uint256 id) external view returns (Attested memory);
    /// How often a bounty began here; the last round is the one that counts.
    function roundsOf(address board, uint256 id) external view returns (uint64);
    /// keccak256(abi.encode(board, id, round)); the first round is 1.
    function keyOf(address board, uint256 id, uint64 round) external pure returns (bytes32);
    function engagementOf(bytes32 key) external view returns (Engagement memory);
    function periodOf(bytes32 key, uint32 period) external view returns (Period memory);
    /// The commitment; 1 + the value once that is revealed; 0 before.
    function attestationOf(bytes32 key, uint32 period, address validator) external view returns (bytes32);
    /// keccak256(abi.encode(chainid, meter, key, period, validator, uptimeBps, salt))
    function commitmentOf(bytes32 key, uint32 period, address validator, uint16 uptimeBps, bytes32 salt) external view returns (bytes32);
    /// keccak256(abi.encode(chainid, meter, key, period, salt)), of the request that `publish` answers.
    function requestHashOf(bytes32 key, uint32 period, bytes32 salt) external view returns (bytes32);
}
