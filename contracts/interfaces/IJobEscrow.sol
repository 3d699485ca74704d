// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ITokenVault} from "./ITokenVault.sol";

/// The first six are those of ERC-8183. The last two read as Submitted in `statusOf`.
enum JobStatus {
    Open,
    Funded,
    Submitted,
    Completed,
    Rejected,
    Expired,
    Contested,
    Disputed
}

/// What holds for a job once its money is in. `abi.encode` of it is what `fund` takes as `optParams`.
struct JobTerms {
    /// The token that the client means to pay in.
    address token;
    /// Decides disputes; 0 for none.
    address arbiter;
    /// The evaluator's time to object. A day is usual.
    uint32 reviewSeconds;
    /// The provider's time to dispute a rejection. Any number without an arbiter.
    uint32 disputeSeconds;
    /// The arbiter's time. Any number without an arbiter.
    uint32 rulingSeconds;
    /// The provider's part when the arbiter says nothing, in 1/10,000.
    uint16 unruledBps;
    /// The evaluator is an `IBountyVerifier`: it alone decides, there is no arbiter.
    bool isVerified;
    /// For the verifier: the hash of what was asked for.
    bytes32 specHash;
}

/// A job as it is stored.
struct Job {
    address client;
    JobStatus status;
    bool isVerified;
    /// The client itself was the last to say token and budget.
    bool isBudgetByClient;
    /// Of the dispute: whether the client, not the provider, paid its bond.
    bool isDisputeByClient;
    address provider;
    /// L1 time in seconds; from then on nothing is submitted.
    uint64 expiredAt;
    address evaluator;
    /// L1 time in seconds at which the present state can be ended by anyone; 0 in a state without one.
    uint64 deadline;
    address token;
    uint32 reviewSeconds;
    uint32 disputeSeconds;
    uint32 rulingSeconds;
    address arbiter;
    uint16 unruledBps;
    uint32 feeVersion;
    /// In base units of the token. Held only from Funded until the end.
    uint128 budget;
    /// All that the client was credited by this job: refunds, a bond of its own that came back, one that it won.
    uint128 refunded;
    address hook;
    uint256 providerAgentId;
    bytes32 specHash;
    bytes32 deliverable;
}

/// A job that a contract opens and funds in one call.
struct JobOpening {
    address provider;
    address evaluator;
    uint64 expiredAt;
    uint256 providerAgentId;
    uint128 budget;
    /// The fee that held when the caller's own funders paid; the present one or an earlier one.
    uint32 feeVersion;
}

/// Jobs of one client for one provider, with the functions and events of ERC-8183 (docs/BOUNTIES.md, section 5). Every state that
/// holds money has an end that anyone can call after a time; each payment is a credit of `ITokenVault`, and pulled.
interface IJobEscrow is ITokenVault {
    // ERC-8183.
    event JobCreated(
        uint256 indexed jobId, address indexed client, address indexed provider, address evaluator, uint256 expiredAt, address hook
    );
    event ProviderSet(uint256 indexed jobId, address indexed provider, uint256 agentId);
    event BudgetSet(uint256 indexed jobId, address indexed token, uint256 amount);
    event JobFunded(uint256 indexed jobId, address indexed client, uint256 amount);
    event JobSubmitted(uint256 indexed jobId, address indexed provider, bytes32 deliverable);
    event JobCompleted(uint256 indexed jobId, address indexed evaluator, bytes32 reason);
    event JobRejected(uint256 indexed jobId, address indexed rejector, bytes32 reason);
    event JobExpired(uint256 indexed jobId);
    event PaymentReleased(uint256 indexed jobId, address indexed provider, uint256 amount);
    event Refunded(uint256 indexed jobId, address indexed client, uint256 amount);

    // Of this contract.
    event TermsFixed(uint256 indexed jobId, JobTerms terms, uint32 feeVersion);
    event ReviewStarted(uint256 indexed jobId, uint64 deadline);
    event JobContested(uint256 indexed jobId, address indexed rejector, bytes32 reason, uint64 deadline);
    event JobDisputed(uint256 indexed jobId, address indexed by, uint256 bond, uint64 deadline);
    /// `arbiter` is zero when it said nothing.
    event DisputeEnded(uint256 indexed jobId, address indexed arbiter, uint16 providerBps, address bondTo);
    event HookFailed(uint256 indexed jobId, address indexed hook, bytes4 selector);

    error UnknownJob(uint256 jobId);
    error WrongStatus(uint256 jobId, JobStatus status);
    error NotAllowed(uint256 jobId, address caller);
    /// An address that is zero, or has a second part in the job that it must not have.
    error BadParty(address party);
    error BadExpiry(uint256 expiredAt, uint256 earliest, uint256 latest);
    error ProviderIsSet(uint256 jobId, address provider);
    error WrongBudget(uint256 budget, uint256 expected);
    error WrongToken(address token, address expected);
    /// The provider set token and budget last: the client has to say which token it means.
    error TermsMissing(uint256 jobId);
    error BadSeconds(uint256 value, uint256 max);
    error BadBps(uint256 value);
    error BadVerifier(address evaluator);
    error NoArbiter(uint256 jobId);
    error TooLate(uint256 jobId, uint256 deadline);
    error TooEarly(uint256 jobId, uint256 deadline);
    error NotVerified(uint256 jobId);
    /// It decides, or refuses to, alone.
    error VerifierDecides(uint256 jobId);
    error HookRefused(uint256 jobId, address hook);
    // And `TooLittleGas` of BountyCalls.

    // ERC-8183. The arguments that are not explained are those of the ERC.

    /// @param provider may be zero, and set later
    /// @param providerAgentId is written down as it is; 0 is an agent too
    function createJob(
        address provider,
        address evaluator,
        uint256 expiredAt,
        string calldata description,
        address hook,
        uint256 providerAgentId
    ) external returns (uint256 jobId);
    /// By the client, once.
    function setProvider(uint256 jobId, address provider, uint256 agentId) external;
    /// By the client or the provider, as often as they like. Nothing, in ETH, if it was never called.
    function setBudget(uint256 jobId, address token, uint256 amount, bytes calldata optParams) external;
    /// By the client.
    /// @param optParams `abi.encode(JobTerms)`; or empty, if the client itself set the budget: no arbiter, `DEFAULT_REVIEW_SECONDS`
    function fund(uint256 jobId, uint256 expectedBudget, bytes calldata optParams) external payable;
    /// By the provider, before `expiredAt`.
    function submit(uint256 jobId, bytes32 deliverable, bytes calldata optParams) external;
    /// By the evaluator.
    function complete(uint256 jobId, bytes32 reason, bytes calldata optParams) external;
    /// By the client while it is open, then by the evaluator. With an arbiter, the provider can dispute it.
    function reject(uint256 jobId, bytes32 reason, bytes calldata optParams) external;
    /// By anyone, when nothing was submitted in time, or nothing that the verifier took.
    function claimRefund(uint256 jobId) external;

    // Of this contract.

    /// Creates and funds a job without a hook; for contracts that hire for others. The caller is its client.
    function openFunded(JobOpening calldata opening, JobTerms calldata terms, string calldata description)
        external
        payable
        returns (uint256 jobId);
    /// By anyone, when the evaluator said nothing in its time.
    function completeSilent(uint256 jobId) external;
    /// By anyone, when the verifier says yes to it.
    function completeVerified(uint256 jobId, bytes calldata data) external;
    /// With the bond of `bondOf`: by the client during the review, by the provider after a rejection.
    function dispute(uint256 jobId) external payable;
    /// By the arbiter, in its time.
    /// @param providerBps the provider's part in 1/10,000; from 5,000 on the job is completed
    function rule(uint256 jobId, uint16 providerBps) external;
    /// By anyone, when the provider did not dispute a rejection in its time.
    function settleRejected(uint256 jobId) external;
    /// By anyone, when the arbiter said nothing in its time.
    function settleUnruled(uint256 jobId) external;

    function jobCount() external view returns (uint256);
    function jobOf(uint256 jobId) external view returns (Job memory);
    /// As ERC-8183 has it: one of the first six.
    function statusOf(uint256 jobId) external view returns (JobStatus);
    /// Whether the job has come to its end.
    function hasEnded(uint256 jobId) external view returns (bool);
    function descriptionOf(uint256 jobId) external view returns (string memory);
    /// What its client was credited by it.
    function refundOf(uint256 jobId) external view returns (uint256);
    /// Bond of a dispute, in the job's token.
    function bondOf(uint256 jobId) external view returns (uint256);
}
