// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyMeter} from "../interfaces/IBountyMeter.sol";
import {Attested, Engagement, IUptimeMeter, Period, Stake, UptimeTerms} from "../interfaces/IUptimeMeter.sol";
import {IValidationRegistry} from "../interfaces/IValidationRegistry.sol";
import {EtherCredit} from "../libraries/EtherCredit.sol";
import {Middle} from "../libraries/Middle.sol";

/// Attested uptime. See `IUptimeMeter`.
contract UptimeMeter is IUptimeMeter {
    address public constant BURN_ADDRESS = EtherCredit.BURN_ADDRESS;
    uint256 public constant MAX_PANEL = 16;

    uint256 private constant FULL_BPS = 10_000;
    /// A commitment costs this part of the minimum stake when it was a lie or is not revealed.
    uint256 private constant PENALTY_PARTS = 10;

    IValidationRegistry public immutable validationRegistry;
    /// @inheritdoc IUptimeMeter
    uint256 public immutable minStakeWei;
    /// @inheritdoc IUptimeMeter
    uint256 public immutable penaltyWei;
    /// @inheritdoc IUptimeMeter
    uint32 public immutable unbondingSeconds;

    mapping(address validator => Stake) private stakes;
    mapping(address board => mapping(uint256 id => uint64)) public roundsOf;
    mapping(bytes32 key => Engagement) private engagements;
    mapping(bytes32 key => mapping(uint32 period => Period)) private periods;
    mapping(bytes32 key => mapping(uint32 period => mapping(address validator => bytes32))) public attestationOf;
    mapping(address validator => mapping(bytes32 bountyKey => Attested)) private attested;
    /// @inheritdoc IUptimeMeter
    uint256 public burned;

    constructor(IValidationRegistry validationRegistry_, uint256 minStakeWei_, uint32 unbondingSeconds_) {
        if (address(validationRegistry_) == address(0)) revert ZeroRegistry();
        if (minStakeWei_ < PENALTY_PARTS) revert StakeTooSmall(minStakeWei_, PENALTY_PARTS);
        (validationRegistry, minStakeWei, unbondingSeconds) = (validationRegistry_, minStakeWei_, unbondingSeconds_);
        penaltyWei = minStakeWei_ / PENALTY_PARTS;
    }

    /// @inheritdoc IUptimeMeter
    function join() external payable {
        Stake storage stake = stakes[msg.sender];
        if (stake.payableAt != 0) revert AlreadyUnbonding(msg.sender);
        uint256 stakeWei = stake.amountWei + msg.value;
        if (stakeWei < minStakeWei) revert StakeTooSmall(stakeWei, minStakeWei);
        if (stakeWei > type(uint96).max) revert StakeTooLarge(stakeWei);
        stake.amountWei = uint96(stakeWei);
        emit Joined(msg.sender, msg.value, stakeWei);
    }

    /// @inheritdoc IUptimeMeter
    function unbond() external {
        Stake storage stake = stakes[msg.sender];
        if (stake.amountWei == 0) revert NoStake(msg.sender);
        if (stake.payableAt != 0) revert AlreadyUnbonding(msg.sender);
        stake.payableAt = uint40(block.timestamp + unbondingSeconds);
        emit Unbonding(msg.sender, stake.payableAt);
    }

    /// @inheritdoc IUptimeMeter
    function withdrawStake(address to) external {
        Stake memory stake = stakes[msg.sender];
        bool isDue = stake.payableAt != 0 && block.timestamp >= stake.payableAt && stake.lockedWei == 0;
        if (!isDue) revert StakeLocked(msg.sender, stake.lockedWei, stake.payableAt);
        delete stakes[msg.sender];
        emit StakePaid(msg.sender, to, stake.amountWei);
        EtherCredit.send(to, stake.amountWei);
    }

    /// @inheritdoc IUptimeMeter
    function withdrawBurned() external {
        uint256 amountWei = burned;
        burned = 0;
        EtherCredit.sendBurned(amountWei);
    }

    /// @inheritdoc IBountyMeter
    function begin(uint256 id, address operator, uint256 agentId, bytes calldata params) external {
        UptimeTerms memory terms = abi.decode(params, (UptimeTerms));
        _checkTerms(terms);
        uint64 round = roundsOf[msg.sender][id];
        if (round != 0) engagements[keyOf(msg.sender, id, round)].isReplaced = true;
        roundsOf[msg.sender][id] = ++round;
        bytes32 key = keyOf(msg.sender, id, round);

        Engagement storage engagement = engagements[key];
        (engagement.operator, engagement.agentId) = (operator, agentId);
        engagement.bountyKey = _bountyKey(msg.sender, id);
        if (terms.panel.length != 0) engagement.panelHash = keccak256(abi.encodePacked(terms.panel));
        engagement.begunAt = uint40(block.timestamp);
        engagement.periodSeconds = terms.periodSeconds;
        engagement.commitSeconds = terms.commitSeconds;
        engagement.revealSeconds = terms.revealSeconds;
        engagement.quorum = terms.quorum;
        engagement.toleranceBps = terms.toleranceBps;
        engagement.floorBps = terms.floorBps;
        engagement.badPeriods = terms.badPeriods;
        engagement.isEndpointOpen = terms.endpointHash == 0;
        emit Begun(key, msg.sender, id, round, operator, agentId, terms);
    }

    /// @inheritdoc IUptimeMeter
    function announce(bytes32 key, string calldata url) external {
        Engagement storage engagement = _engagement(key);
        if (msg.sender != engagement.operator) revert NotOperator(msg.sender, engagement.operator);
        if (!engagement.isEndpointOpen) revert EndpointFixed(key);
        emit Announced(key, url);
    }

    /// @inheritdoc IUptimeMeter
    function commit(bytes32 key, address[] calldata panel, uint32 period, bytes32 commitment) external {
        Engagement storage engagement = _engagement(key);
        if (engagement.isReplaced || engagement.hasFailed) revert EngagementOver(key);
        uint256 from = _endOf(engagement, period);
        _requireWindow(from, from + engagement.commitSeconds);
        _requirePanel(engagement, panel);
        // So small is a revealed value.
        if (uint256(commitment) <= FULL_BPS + 1) revert BadCommitment(commitment);
        if (attestationOf[key][period][msg.sender] != 0) revert AlreadyCommitted(msg.sender, period);
        _lock(msg.sender);

        address[] storage committers = periods[key][period].committers;
        if (committers.length == MAX_PANEL) revert PanelFull(key, period);
        if (committers.length == 0) _queue(engagement, key, period);
        committers.push(msg.sender);
        attestationOf[key][period][msg.sender] = commitment;
        emit Committed(key, period, msg.sender, commitment);
    }

    /// @inheritdoc IUptimeMeter
    function reveal(bytes32 key, uint32 period, uint16 uptimeBps, bytes32 salt) external {
        Engagement storage engagement = _engagement(key);
        uint256 from = _endOf(engagement, period) + engagement.commitSeconds;
        _requireWindow(from, from + engagement.revealSeconds);
        if (uptimeBps > FULL_BPS) revert BadUptime(uptimeBps);
        bytes32 commitment = commitmentOf(key, period, msg.sender, uptimeBps, salt);
        bytes32 committed = attestationOf[key][period][msg.sender];
        if (commitment != committed) revert WrongReveal(commitment, committed);

        // From now on the value itself; no commitment is as small.
        attestationOf[key][period][msg.sender] = bytes32(uint256(uptimeBps) + 1);
        periods[key][period].revealed += 1;
        emit Revealed(key, period, msg.sender, uptimeBps);
    }

    /// @inheritdoc IUptimeMeter
    function tally(bytes32 key, uint32 period) external {
        Engagement storage engagement = _engagement(key);
        if (uint256(period) + 1 != engagement.oldest) revert NotNext(period, engagement.oldest);
        uint256 from = _endOf(engagement, period) + engagement.commitSeconds + engagement.revealSeconds;
        _requireWindow(from, type(uint256).max);
        Period storage subject = periods[key][period];
        (subject.isTallied, engagement.oldest) = (true, subject.next);
        if (subject.next == 0) engagement.last = 0;

        (uint16 lowerBps, uint16 upperBps) = Middle.middlesOf(_values(key, period, subject));
        bool hasQuorum = subject.revealed >= engagement.quorum;
        (subject.medianBps, subject.hasQuorum) = (lowerBps, hasQuorum);
        emit Tallied(key, period, lowerBps, upperBps, subject.revealed, hasQuorum);
        _settleStakes(engagement, key, period, lowerBps, upperBps, hasQuorum);
        if (hasQuorum && !engagement.hasFailed) _count(engagement, key, period, lowerBps, upperBps);
    }

    /// @inheritdoc IUptimeMeter
    function publish(bytes32 key, uint32 period, bytes32 salt) external {
        Engagement storage engagement = _engagement(key);
        Period storage subject = periods[key][period];
        if (!subject.hasQuorum) revert NotAttested(key, period);
        if (subject.isPublished) revert AlreadyPublished(key, period);
        bytes32 requestHash = requestHashOf(key, period, salt);
        (address validator, uint256 agentId,,,,) = validationRegistry.getValidationStatus(requestHash);
        if (validator != address(this) || agentId != engagement.agentId) revert WrongRequest(requestHash, validator, agentId);

        subject.isPublished = true;
        uint8 response = uint8(subject.medianBps / 100);
        emit Published(key, period, requestHash, response);
        validationRegistry.validationResponse(requestHash, response, "", key, "uptime");
    }

    /// @inheritdoc IBountyMeter
    function unitsOf(address board, uint256 id) external view returns (uint256) {
        return engagements[keyOf(board, id, roundsOf[board][id])].units;
    }

    /// @inheritdoc IBountyMeter
    function hasFailed(address board, uint256 id) external view returns (bool) {
        return engagements[keyOf(board, id, roundsOf[board][id])].hasFailed;
    }

    /// @inheritdoc IUptimeMeter
    function checkTerms(UptimeTerms calldata terms) external view {
        _checkTerms(terms);
    }

    /// @inheritdoc IUptimeMeter
    function stakeOf(address validator) external view returns (Stake memory) {
        return stakes[validator];
    }

    /// @inheritdoc IUptimeMeter
    function attestedOf(address validator, address board, uint256 id) external view returns (Attested memory) {
        return attested[validator][_bountyKey(board, id)];
    }

    /// @inheritdoc IUptimeMeter
    function engagementOf(bytes32 key) external view returns (Engagement memory) {
        return engagements[key];
    }

    /// @inheritdoc IUptimeMeter
    function periodOf(bytes32 key, uint32 period) external view returns (Period memory) {
        return periods[key][period];
    }

    /// @inheritdoc IUptimeMeter
    function commitmentOf(bytes32 key, uint32 period, address validator, uint16 uptimeBps, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), key, period, validator, uptimeBps, salt));
    }

    /// @inheritdoc IUptimeMeter
    function requestHashOf(bytes32 key, uint32 period, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), key, period, salt));
    }

    /// @inheritdoc IUptimeMeter
    function keyOf(address board, uint256 id, uint64 round) public pure returns (bytes32) {
        return keccak256(abi.encode(board, id, round));
    }

    /// Periods stand in a row as they are first committed to. Their windows do not overlap, so that is the order of time.
    function _queue(Engagement storage engagement, bytes32 key, uint32 period) private {
        uint32 place = period + 1;
        if (engagement.last == 0) engagement.oldest = place;
        else periods[key][engagement.last - 1].next = place;
        engagement.last = place;
    }

    function _lock(address validator) private {
        Stake storage stake = stakes[validator];
        if (stake.payableAt != 0) revert AlreadyUnbonding(validator);
        uint256 lockedWei = stake.lockedWei + penaltyWei;
        if (lockedWei > stake.amountWei) revert StakeTooSmall(stake.amountWei, lockedWei);
        stake.lockedWei = uint96(lockedWei);
    }

    /// Gives back or burns what was locked for a period.
    function _settleStakes(
        Engagement storage engagement,
        bytes32 key,
        uint32 period,
        uint256 lowerBps,
        uint256 upperBps,
        bool hasQuorum
    ) private {
        (uint256 tolerance, bytes32 bountyKey) = (engagement.toleranceBps, engagement.bountyKey);
        address[] storage committers = periods[key][period].committers;
        uint256 burnedWei;
        for (uint256 i; i < committers.length; ++i) {
            address validator = committers[i];
            (bool isRevealed, uint256 value) = _valueOf(key, period, validator);
            bool isOff = hasQuorum && (value + tolerance < lowerBps || value > upperBps + tolerance);
            Stake storage stake = stakes[validator];
            stake.lockedWei -= uint96(penaltyWei);
            if (!isRevealed || isOff) {
                stake.amountWei -= uint96(penaltyWei);
                burnedWei += penaltyWei;
                attested[validator][bountyKey].slashed += 1;
                emit Slashed(validator, key, period, penaltyWei, !isRevealed);
            } else if (hasQuorum) {
                attested[validator][bountyKey].within += 1;
            }
        }
        if (burnedWei != 0) burned += burnedWei;
    }

    function _count(Engagement storage engagement, bytes32 key, uint32 period, uint16 lowerBps, uint16 upperBps) private {
        engagement.units += lowerBps;
        if (upperBps >= engagement.floorBps) {
            engagement.badRow = 0;
        } else if (++engagement.badRow >= engagement.badPeriods) {
            engagement.hasFailed = true;
            emit Failed(key, period);
        }
    }

    function _engagement(bytes32 key) private view returns (Engagement storage engagement) {
        engagement = engagements[key];
        if (engagement.begunAt == 0) revert UnknownEngagement(key);
    }

    function _endOf(Engagement storage engagement, uint32 period) private view returns (uint256) {
        return engagement.begunAt + (uint256(period) + 1) * engagement.periodSeconds;
    }

    function _requireWindow(uint256 from, uint256 until) private view {
        if (block.timestamp < from || block.timestamp >= until) revert NotInWindow(block.timestamp, from, until);
    }

    function _requirePanel(Engagement storage engagement, address[] calldata panel) private view {
        if (msg.sender == engagement.operator) revert OperatorAttests(msg.sender);
        bytes32 given = panel.length == 0 ? bytes32(0) : keccak256(abi.encodePacked(panel));
        if (given != engagement.panelHash) revert WrongPanel(given, engagement.panelHash);
        if (panel.length == 0) return;
        for (uint256 i; i < panel.length; ++i) {
            if (panel[i] == msg.sender) return;
        }
        revert NotOnPanel(msg.sender);
    }

    function _values(bytes32 key, uint32 period, Period storage subject) private view returns (uint16[] memory values) {
        values = new uint16[](subject.revealed);
        uint256 count;
        for (uint256 i; i < subject.committers.length; ++i) {
            (bool isRevealed, uint256 value) = _valueOf(key, period, subject.committers[i]);
            if (isRevealed) values[count++] = uint16(value);
        }
    }

    function _valueOf(bytes32 key, uint32 period, address validator) private view returns (bool isRevealed, uint256 value) {
        uint256 word = uint256(attestationOf[key][period][validator]);
        if (word - 1 <= FULL_BPS) return (true, word - 1);
    }

    function _checkTerms(UptimeTerms memory terms) private view {
        uint256 size = terms.panel.length;
        if (size > MAX_PANEL) revert PanelTooLarge(size, MAX_PANEL);
        address before;
        for (uint256 i; i < size; ++i) {
            if (terms.panel[i] <= before) revert PanelNotAscending(i);
            before = terms.panel[i];
        }
        uint256 most = size == 0 ? MAX_PANEL : size;
        if (terms.quorum == 0 || terms.quorum > most || uint256(terms.quorum) * 2 <= size) revert BadQuorum(terms.quorum, size);
        if (terms.toleranceBps > FULL_BPS) revert BadShare(terms.toleranceBps);
        if (terms.floorBps > FULL_BPS) revert BadShare(terms.floorBps);
        if (terms.badPeriods == 0) revert BadLength("badPeriods", 0);
        if (terms.periodSeconds == 0) revert BadLength("periodSeconds", 0);
        if (terms.commitSeconds == 0 || terms.commitSeconds > terms.periodSeconds) {
            revert BadLength("commitSeconds", terms.commitSeconds);
        }
        if (terms.revealSeconds == 0) revert BadLength("revealSeconds", 0);
        uint256 phases = uint256(terms.commitSeconds) + terms.revealSeconds;
        if (phases >= unbondingSeconds) revert BadLength("unbondingSeconds", phases);
    }

    function _bountyKey(address board, uint256 id) private pure returns (bytes32) {
        return keccak256(abi.encode(board, id));
    }
}
