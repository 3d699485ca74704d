// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Says whether work was done, as a contract can see it (docs/BOUNTIES.md, section 5). It stands where a job has its evaluator.
interface IBountyVerifier {
    /// @param jobId of the calling JobEscrow
    /// @param deliverable what the provider submitted
    /// @param specHash what was asked for, fixed when the job was funded: the hash of the specification in the verifier's own encoding
    /// @param data what the caller brings to show it, the specification itself included; anybody may call
    function verify(uint256 jobId, address provider, bytes32 deliverable, bytes32 specHash, bytes calldata data)
        external
        view
        returns (bool);
}
