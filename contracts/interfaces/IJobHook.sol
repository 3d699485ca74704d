// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// A contract that a job's client wants told of it, as ERC-8183 has it. It is called with a limited amount of gas; it may refuse
/// `setProvider`, `setBudget` and `fund` by reverting, and nothing else (docs/BOUNTIES.md, section 5).
interface IJobHook {
    /// @param selector of the function of the job that is about to act
    /// @param data its caller, then its arguments without the job's id (of `fund`, `optParams` alone), ABI-encoded
    function beforeAction(uint256 jobId, bytes4 selector, bytes calldata data) external;
    function afterAction(uint256 jobId, bytes4 selector, bytes calldata data) external;
}
