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

/// Which calls of one chain were paid and answered, shown to L1 (docs/BOUNTIES.md, section 3).
interface IProofOfService {
    /// What counts for the agent's present owner; all zero for an agent that does not exist. Reads no list.
    function provenOf(uint256 agentId) external view returns (Proven memory);
    /// Proven calls between a client's account and the agent under its present owner.
    function callsBetween(uint256 agentId, address client) external view returns (uint64);
}
