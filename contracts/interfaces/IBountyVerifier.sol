// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Says whether work was done, as a contract can see it (docs/BOUNTIES.md, section 5). It stands where a job has its evaluator.
interface IBountyVerifier {
    /// @param jobId of the calling JobEscrow
    /// @param deliverable what the provider submitted
    /// @param data what the caller brings to show it; anybody may call
    function verify(uint256 jobId, address provider, bytes32 deliverable, bytes calldata data) external view returns (bool);
}
