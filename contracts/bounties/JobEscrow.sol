// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyVerifier} from "../interfaces/IBountyVerifier.sol";
import {IJobEscrow, Job, JobOpening, JobStatus, JobTerms} from "../interfaces/IJobEscrow.sol";
import {IJobHook} from "../interfaces/IJobHook.sol";
import {BountyCalls} from "./BountyCalls.sol";
import {TokenVault} from "./TokenVault.sol";

/// Jobs with the functions and events of ERC-8183. See `IJobEscrow`.
contract JobEscrow is IJobEscrow, TokenVault {
    uint256 public constant MAX_WORK_SECONDS = 366 days;
    uint32 public constant MAX_PHASE_SECONDS = 30 days;
    uint32 public constant DEFAULT_REVIEW_SECONDS = 3 days;
    uint16 public constant BOND_BPS = 500;
    /// What a hook gets to run with, each time.
    uint256 public constant HOOK_GAS = 100_000;

    // Reasons of the ends that nobody gave a reason for.
    bytes32 private constant SILENT = "silent";
    bytes32 private constant VERIFIED = "verified";
    bytes32 private constant UNCONTESTED = "uncontested";
    bytes32 private constant RULED = "ruled";
    bytes32 private constant UNRULED = "unruled";

    /// @inheritdoc IJobEscrow
    uint256 public jobCount;
    mapping(uint256 jobId => Job) private jobs;
    /// @inheritdoc IJobEscrow
    mapping(uint256 jobId => string) public descriptionOf;

    constructor(address owner_, uint16 feeBps, address feeRecipient) TokenVault(owner_, feeBps, feeRecipient) {}

    /// @inheritdoc IJobEscrow
    function createJob(
        address provider,
        address evaluator,
        uint256 expiredAt,
        string calldata description,
        address hook,
        uint256 providerAgentId
    ) external nonReentrant returns (uint256 jobId) {
        jobId = _create(provider, evaluator, expiredAt, description, providerAgentId);
        jobs[jobId].hook = hook;
        emit JobCreated(jobId, msg.sender, provider, evaluator, expiredAt, hook);
    }

    /// @inheritdoc IJobEscrow
    function setProvider(uint256 jobId, address provider, uint256 agentId) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Open);
        _require(jobId, msg.sender == job.client);
        if (job.provider != address(0)) revert ProviderIsSet(jobId, job.provider);
        if (provider == address(0)) revert BadParty(provider);
        _checkProvider(job, provider);
        bytes memory data = abi.encode(msg.sender, provider, agentId);
        _ask(job.hook, jobId, IJobHook.beforeAction.selector, data);
        (job.provider, job.providerAgentId) = (provider, agentId);
        emit ProviderSet(jobId, provider, agentId);
        _ask(job.hook, jobId, IJobHook.afterAction.selector, data);
    }

    /// @inheritdoc IJobEscrow
    function setBudget(uint256 jobId, address token, uint256 amount, bytes calldata optParams) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Open);
        bool isByClient = msg.sender == job.client;
        _require(jobId, isByClient || msg.sender == job.provider);
        if (amount > MAX_AMOUNT) revert AmountTooLarge(amount, MAX_AMOUNT);
        bytes memory data = abi.encode(msg.sender, token, amount, optParams);
        _ask(job.hook, jobId, IJobHook.beforeAction.selector, data);
        (job.token, job.budget, job.isBudgetByClient) = (token, uint128(amount), isByClient);
        emit BudgetSet(jobId, token, amount);
        _ask(job.hook, jobId, IJobHook.afterAction.selector, data);
    }

    /// @inheritdoc IJobEscrow
    function fund(uint256 jobId, uint256 expectedBudget, bytes calldata optParams) external payable nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Open);
        _require(jobId, msg.sender == job.client);
        if (job.provider == address(0)) revert BadParty(address(0));
        if (block.timestamp >= job.expiredAt) revert TooLate(jobId, job.expiredAt);
        if (job.budget != expectedBudget) revert WrongBudget(job.budget, expectedBudget);
        JobTerms memory terms;
        if (optParams.length != 0) {
            terms = abi.decode(optParams, (JobTerms));
            if (terms.token != job.token) revert WrongToken(job.token, terms.token);
        } else {
            if (!job.isBudgetByClient) revert TermsMissing(jobId);
            (terms.token, terms.reviewSeconds) = (job.token, DEFAULT_REVIEW_SECONDS);
        }
        bytes memory data = abi.encode(msg.sender, optParams);
        _ask(job.hook, jobId, IJobHook.beforeAction.selector, data);
        _fix(job, jobId, terms, feeVersion);
        _take(terms.token, expectedBudget);
        _ask(job.hook, jobId, IJobHook.afterAction.selector, data);
    }

    /// @inheritdoc IJobEscrow
    function openFunded(JobOpening calldata opening, JobTerms calldata terms, string calldata description)
        external
        payable
        nonReentrant
        returns (uint256 jobId)
    {
        if (opening.provider == address(0)) revert BadParty(address(0));
        if (opening.budget > MAX_AMOUNT) revert AmountTooLarge(opening.budget, MAX_AMOUNT);
        if (opening.feeVersion > feeVersion) revert UnknownFee(opening.feeVersion, feeVersion);
        (address provider, address evaluator) = (opening.provider, opening.evaluator);
        jobId = _create(provider, evaluator, opening.expiredAt, description, opening.providerAgentId);
        emit JobCreated(jobId, msg.sender, provider, evaluator, opening.expiredAt, address(0));
        Job storage job = jobs[jobId];
        (job.token, job.budget, job.isBudgetByClient) = (terms.token, opening.budget, true);
        emit BudgetSet(jobId, terms.token, opening.budget);
        _fix(job, jobId, terms, opening.feeVersion);
        _take(terms.token, opening.budget);
    }

    /// @inheritdoc IJobEscrow
    function submit(uint256 jobId, bytes32 deliverable, bytes calldata optParams) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Funded);
        _require(jobId, msg.sender == job.provider);
        if (block.timestamp >= job.expiredAt) revert TooLate(jobId, job.expiredAt);
        bytes memory data = abi.encode(msg.sender, deliverable, optParams);
        _tell(job.hook, jobId, IJobHook.beforeAction.selector, data);
        // A verifier needs no time to object: until the end of the work anybody may show it the deliverable, and for that much longer.
        uint64 deadline = (job.isVerified ? job.expiredAt : uint64(block.timestamp)) + job.reviewSeconds;
        (job.status, job.deadline, job.deliverable) = (JobStatus.Submitted, deadline, deliverable);
        emit JobSubmitted(jobId, msg.sender, deliverable);
        emit ReviewStarted(jobId, deadline);
        _tell(job.hook, jobId, IJobHook.afterAction.selector, data);
    }

    /// @inheritdoc IJobEscrow
    function complete(uint256 jobId, bytes32 reason, bytes calldata optParams) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Submitted);
        _requireEvaluator(job, jobId);
        bytes memory data = abi.encode(msg.sender, reason, optParams);
        _tell(job.hook, jobId, IJobHook.beforeAction.selector, data);
        _complete(job, jobId, msg.sender, reason, BPS);
        _tell(job.hook, jobId, IJobHook.afterAction.selector, data);
    }

    /// @inheritdoc IJobEscrow
    function reject(uint256 jobId, bytes32 reason, bytes calldata optParams) external nonReentrant {
        Job storage job = _job(jobId);
        JobStatus status = job.status;
        if (status == JobStatus.Open) {
            _require(jobId, msg.sender == job.client);
        } else {
            if (status != JobStatus.Funded && status != JobStatus.Submitted) revert WrongStatus(jobId, status);
            _requireEvaluator(job, jobId);
            uint64 deadline = status == JobStatus.Funded ? job.expiredAt : job.deadline;
            if (block.timestamp >= deadline) revert TooLate(jobId, deadline);
        }
        bytes memory data = abi.encode(msg.sender, reason, optParams);
        _tell(job.hook, jobId, IJobHook.beforeAction.selector, data);
        if (status == JobStatus.Open) {
            job.status = JobStatus.Rejected;
            emit JobRejected(jobId, msg.sender, reason);
        } else if (job.arbiter == address(0)) {
            _reject(job, jobId, msg.sender, reason, 0);
        } else {
            uint64 deadline = uint64(block.timestamp) + job.disputeSeconds;
            (job.status, job.deadline) = (JobStatus.Contested, deadline);
            emit JobContested(jobId, msg.sender, reason, deadline);
        }
        _tell(job.hook, jobId, IJobHook.afterAction.selector, data);
    }

    /// @inheritdoc IJobEscrow
    function claimRefund(uint256 jobId) external nonReentrant {
        Job storage job = _job(jobId);
        bool isUnverified = job.status == JobStatus.Submitted && job.isVerified;
        if (job.status != JobStatus.Funded && !isUnverified) revert WrongStatus(jobId, job.status);
        uint64 deadline = isUnverified ? job.deadline : job.expiredAt;
        if (block.timestamp < deadline) revert TooEarly(jobId, deadline);
        job.status = JobStatus.Expired;
        emit JobExpired(jobId);
        _share(job, jobId, 0);
    }

    /// @inheritdoc IJobEscrow
    function completeSilent(uint256 jobId) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Submitted);
        if (job.isVerified) revert VerifierDecides(jobId);
        _requireOver(job, jobId);
        _complete(job, jobId, job.evaluator, SILENT, BPS);
    }

    /// @inheritdoc IJobEscrow
    function completeVerified(uint256 jobId, bytes calldata data) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Submitted);
        address evaluator = job.evaluator;
        if (!job.isVerified) revert BadVerifier(evaluator);
        bool isDone = IBountyVerifier(evaluator).verify(jobId, job.provider, job.deliverable, job.specHash, data);
        if (!isDone) revert NotVerified(jobId);
        _complete(job, jobId, evaluator, VERIFIED, BPS);
    }

    /// @inheritdoc IJobEscrow
    function dispute(uint256 jobId) external payable nonReentrant {
        Job storage job = _job(jobId);
        bool isByClient = job.status == JobStatus.Submitted;
        if (!isByClient && job.status != JobStatus.Contested) revert WrongStatus(jobId, job.status);
        _require(jobId, msg.sender == (isByClient ? job.client : job.provider));
        if (job.arbiter == address(0)) revert NoArbiter(jobId);
        if (block.timestamp >= job.deadline) revert TooLate(jobId, job.deadline);
        uint64 deadline = uint64(block.timestamp) + job.rulingSeconds;
        (job.status, job.deadline, job.isDisputeByClient) = (JobStatus.Disputed, deadline, isByClient);
        uint256 bond = _bondOf(job);
        emit JobDisputed(jobId, msg.sender, bond, deadline);
        _take(job.token, bond);
    }

    /// @inheritdoc IJobEscrow
    function rule(uint256 jobId, uint16 providerBps) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Disputed);
        _require(jobId, msg.sender == job.arbiter);
        if (providerBps > BPS) revert BadBps(providerBps);
        if (block.timestamp >= job.deadline) revert TooLate(jobId, job.deadline);
        bool isByClient = job.isDisputeByClient;
        bool isDisputerRight = isByClient ? 2 * providerBps <= BPS : 2 * providerBps >= BPS;
        _endDispute(job, jobId, providerBps, isByClient == isDisputerRight);
    }

    /// @inheritdoc IJobEscrow
    function settleRejected(uint256 jobId) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Contested);
        _requireOver(job, jobId);
        _reject(job, jobId, job.evaluator, UNCONTESTED, 0);
    }

    /// @inheritdoc IJobEscrow
    function settleUnruled(uint256 jobId) external nonReentrant {
        Job storage job = _jobIn(jobId, JobStatus.Disputed);
        _requireOver(job, jobId);
        _endDispute(job, jobId, job.unruledBps, job.isDisputeByClient);
    }

    /// @inheritdoc IJobEscrow
    function jobOf(uint256 jobId) external view returns (Job memory) {
        return _job(jobId);
    }

    /// @inheritdoc IJobEscrow
    function statusOf(uint256 jobId) external view returns (JobStatus status) {
        status = _job(jobId).status;
        if (status == JobStatus.Contested || status == JobStatus.Disputed) status = JobStatus.Submitted;
    }

    /// @inheritdoc IJobEscrow
    function hasEnded(uint256 jobId) external view returns (bool) {
        JobStatus status = _job(jobId).status;
        return status == JobStatus.Completed || status == JobStatus.Rejected || status == JobStatus.Expired;
    }

    /// @inheritdoc IJobEscrow
    function refundOf(uint256 jobId) external view returns (uint256) {
        return _job(jobId).refunded;
    }

    /// @inheritdoc IJobEscrow
    function bondOf(uint256 jobId) external view returns (uint256) {
        return _bondOf(_job(jobId));
    }

    function _create(
        address provider,
        address evaluator,
        uint256 expiredAt,
        string calldata description,
        uint256 providerAgentId
    ) private returns (uint256 jobId) {
        if (evaluator == address(0)) revert BadParty(evaluator);
        uint256 latest = block.timestamp + MAX_WORK_SECONDS;
        if (expiredAt <= block.timestamp || expiredAt > latest) revert BadExpiry(expiredAt, block.timestamp + 1, latest);
        jobId = ++jobCount;
        Job storage job = jobs[jobId];
        (job.client, job.evaluator, job.expiredAt) = (msg.sender, evaluator, uint64(expiredAt));
        _checkProvider(job, provider);
        (job.provider, job.providerAgentId) = (provider, providerAgentId);
        descriptionOf[jobId] = description;
    }

    /// Writes down what holds from now on. The money comes in next, or all of it reverts.
    function _fix(Job storage job, uint256 jobId, JobTerms memory terms, uint32 feeVersion_) private {
        _checkSeconds(terms.reviewSeconds);
        if (terms.arbiter != address(0)) {
            if (terms.isVerified) revert VerifierDecides(jobId);
            if (terms.arbiter == job.client || terms.arbiter == job.provider || terms.arbiter == job.evaluator) {
                revert BadParty(terms.arbiter);
            }
            _checkSeconds(terms.disputeSeconds);
            _checkSeconds(terms.rulingSeconds);
            if (terms.unruledBps > BPS) revert BadBps(terms.unruledBps);
        }
        if (terms.isVerified && job.evaluator.code.length == 0) revert BadVerifier(job.evaluator);
        (job.status, job.isVerified, job.specHash) = (JobStatus.Funded, terms.isVerified, terms.specHash);
        (job.reviewSeconds, job.disputeSeconds) = (terms.reviewSeconds, terms.disputeSeconds);
        (job.rulingSeconds, job.arbiter) = (terms.rulingSeconds, terms.arbiter);
        (job.unruledBps, job.feeVersion) = (terms.unruledBps, feeVersion_);
        emit TermsFixed(jobId, terms, feeVersion_);
        emit JobFunded(jobId, msg.sender, job.budget);
    }

    function _complete(Job storage job, uint256 jobId, address by, bytes32 reason, uint16 providerBps) private {
        job.status = JobStatus.Completed;
        emit JobCompleted(jobId, by, reason);
        _share(job, jobId, providerBps);
    }

    function _reject(Job storage job, uint256 jobId, address by, bytes32 reason, uint16 providerBps) private {
        job.status = JobStatus.Rejected;
        emit JobRejected(jobId, by, reason);
        _share(job, jobId, providerBps);
    }

    /// Ends the dispute by the arbiter, who is the caller, or by its silence, when the caller is anyone.
    /// @param isBondToClient or else the bond is the provider's
    function _endDispute(Job storage job, uint256 jobId, uint16 providerBps, bool isBondToClient) private {
        bool isRuled = block.timestamp < job.deadline;
        (address client, uint256 bond) = (job.client, _bondOf(job));
        address bondTo = isBondToClient ? client : job.provider;
        emit DisputeEnded(jobId, isRuled ? job.arbiter : address(0), providerBps, bondTo);
        if (isBondToClient) job.refunded += uint128(bond);
        _credit(job.token, bondTo, bond);
        (address by, bytes32 reason) = isRuled ? (job.arbiter, RULED) : (job.evaluator, UNRULED);
        if (2 * providerBps >= BPS) _complete(job, jobId, by, reason, providerBps);
        else _reject(job, jobId, by, reason, providerBps);
    }

    /// Shares the budget out. The job's status says already that this happens once.
    function _share(Job storage job, uint256 jobId, uint16 providerBps) private {
        (address token, uint256 budget) = (job.token, job.budget);
        uint256 earned = budget * providerBps / BPS;
        if (providerBps != 0) {
            emit PaymentReleased(jobId, job.provider, _creditLessFee(token, job.provider, earned, job.feeVersion));
        }
        if (providerBps == BPS) return;
        job.refunded += uint128(budget - earned);
        _credit(token, job.client, budget - earned);
        emit Refunded(jobId, job.client, budget - earned);
    }

    /// Lets the hook act, or refuse.
    function _ask(address hook, uint256 jobId, bytes4 action, bytes memory data) private {
        if (hook != address(0) && !_call(hook, jobId, action, data)) revert HookRefused(jobId, hook);
    }

    /// Lets the hook know. Whatever it does, the job goes on.
    function _tell(address hook, uint256 jobId, bytes4 action, bytes memory data) private {
        if (hook != address(0) && !_call(hook, jobId, action, data)) emit HookFailed(jobId, hook, action);
    }

    function _call(address hook, uint256 jobId, bytes4 action, bytes memory data) private returns (bool) {
        return BountyCalls.tell(hook, abi.encodeWithSelector(action, jobId, msg.sig, data), HOOK_GAS);
    }

    function _job(uint256 jobId) private view returns (Job storage job) {
        job = jobs[jobId];
        if (job.client == address(0)) revert UnknownJob(jobId);
    }

    function _jobIn(uint256 jobId, JobStatus status) private view returns (Job storage job) {
        job = _job(jobId);
        if (job.status != status) revert WrongStatus(jobId, job.status);
    }

    function _require(uint256 jobId, bool isAllowed) private view {
        if (!isAllowed) revert NotAllowed(jobId, msg.sender);
    }

    function _requireEvaluator(Job storage job, uint256 jobId) private view {
        _require(jobId, msg.sender == job.evaluator);
        if (job.isVerified) revert VerifierDecides(jobId);
    }

    function _requireOver(Job storage job, uint256 jobId) private view {
        if (block.timestamp < job.deadline) revert TooEarly(jobId, job.deadline);
    }

    function _checkProvider(Job storage job, address provider) private view {
        if (provider != address(0) && (provider == job.client || provider == job.evaluator)) revert BadParty(provider);
    }

    function _checkSeconds(uint32 value) private pure {
        if (value == 0 || value > MAX_PHASE_SECONDS) revert BadSeconds(value, MAX_PHASE_SECONDS);
    }

    /// Rounded up.
    function _bondOf(Job storage job) private view returns (uint256) {
        return (uint256(job.budget) * BOND_BPS + BPS - 1) / BPS;
    }
}
