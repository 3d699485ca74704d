// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// What is proven of an agent and its present owner.
struct Proven {
    /// Calls that it answered and was paid for.
    uint64 calls;
    /// Different accounts that paid.
    uint64 clients;
    /// Weight of the backed feedback that counts.
    uint64 weight;
    /// Sum of value times weight, values from 0 to 100.
    uint128 weightedScore;
}

/// A leaf of a confirmed state, with three siblings a level from the leaf up (RULES N-4).
struct LeafProof {
    uint64 index;
    bytes32[4] leaf;
    bytes32[] siblings;
}

/// A client's feedback that counts for an agent.
struct Attached {
    /// In the ReputationRegistry; 0: none.
    uint64 feedbackIndex;
    /// The client's proven calls when it was attached, at most `maxWeight`.
    uint64 weight;
    /// 0 to 100.
    uint8 score;
}

/// Which calls of one chain were paid and answered, shown to L1 (docs/BOUNTIES.md, section 3).
///
/// A call is proven by the receipt that says that its provider was paid, once. What is proven belongs to the agent and who owned it then.
/// Whoever pays for calls between accounts of its own is counted too: the fee is what that costs. Nobody owns this contract, and nothing
/// in it is ever paid out. It believes the registries that it was made with, and asks them for nothing that grows.
interface IProofOfService {
    event CallProven(uint256 indexed agentId, address indexed owner, address indexed client, uint64 receipt, uint64 amount, uint32 capability);
    /// It counts from now on, instead of what counted before of this client.
    event FeedbackAttached(uint256 indexed agentId, address indexed owner, address indexed client, uint64 feedbackIndex, uint8 score, uint64 weight);
    event FeedbackDetached(uint256 indexed agentId, address indexed owner, address indexed client, uint64 feedbackIndex);

    /// The registries do not belong together, or the chain links its accounts to another one.
    error WrongRegistry(address registry, address expected);
    error ZeroMaxWeight();
    error WrongFee(uint256 sentWei, uint256 feeWei);
    error AlreadyProven(uint64 receipt);
    error BadProof(uint256 kind, bytes32 computedRoot, bytes32 stateRoot);
    /// The receipt does not say that a provider was paid for a call.
    error NotPaidCall(uint64 receipt);
    /// The leaf is another account's than the receipt names.
    error WrongAccount(uint64 index, uint256 expected);
    error NotLinked(uint64 provider);
    /// The provider's owner may not act for the agent any more.
    error NotAuthorized(address owner, uint256 agentId);
    /// Who paid is who was paid, or may act for the agent.
    error SelfDealing(address client, uint256 agentId);
    error NoProvenCalls(uint256 agentId, address client);
    error FeedbackIsRevoked(uint64 feedbackIndex);
    /// Below 0 or above 100.
    error ValueOutOfRange(int128 value, uint8 decimals);
    /// A later one of this client counts.
    error OlderFeedback(uint64 feedbackIndex, uint64 attached);
    error NotAttached(uint256 agentId, address client);
    /// It was not revoked.
    error FeedbackStands(uint64 feedbackIndex);

    /// Counts a call, for exactly `proofFeeWei`, which stay here for good. Anyone may.
    /// @param claimId any confirmed claim whose state holds the receipt; the agent is the one that the provider is linked to in that state
    /// @param receipt the RECEIPT leaf that says PAID: of RESPOND, ACCEPT, TIMEOUT or CLAIM, with a price above zero
    /// @param requester the AGENT leaf of the account that paid, in the same state
    /// @param provider the AGENT leaf of the account that was paid, in the same state
    function prove(bytes32 claimId, LeafProof calldata receipt, LeafProof calldata requester, LeafProof calldata provider) external payable;

    /// Has a client's feedback count, with the weight of its proven calls as they are now; again, to renew the weight. Anyone may.
    /// Of a client one counts: an earlier one than that is refused.
    function attachFeedback(uint256 agentId, address client, uint64 feedbackIndex) external;

    /// Takes feedback out that its author has revoked. Anyone may; after it any that is not revoked may be attached.
    function detachFeedback(uint256 agentId, address client) external;

    /// What counts for the agent's present owner; all zero for an agent that does not exist. Reads no list.
    function provenOf(uint256 agentId) external view returns (Proven memory);
    /// What counts for the agent under any owner.
    function provenUnder(uint256 agentId, address owner) external view returns (Proven memory);
    /// Proven calls between a client's account and the agent under its present owner.
    function callsBetween(uint256 agentId, address client) external view returns (uint64);
    /// The feedback of a client that counts for the agent under its present owner.
    function attachedOf(uint256 agentId, address client) external view returns (Attached memory);
    function isProven(uint64 receipt) external view returns (bool);
    function settlement() external view returns (address);
    function identityRegistry() external view returns (address);
    function reputationRegistry() external view returns (address);
    /// What the proof of one call costs.
    function proofFeeWei() external view returns (uint256);
    /// So many calls of a client weigh in its feedback at most.
    function maxWeight() external view returns (uint64);
}
