// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Counts what somebody who was hired has done (docs/BOUNTIES.md, section 6). A bounty names its meter before anybody bids; the board
/// calls it with little gas, believes its figures, and ends the bounty by time if it does not answer.
interface IBountyMeter {
    /// Begins to measure `operator` for bounty `id` of the caller, from zero.
    /// @param params what the terms of the bounty say, in the meter's own encoding
    function begin(uint256 id, address operator, uint256 agentId, bytes calldata params) external;

    /// Units since the last `begin`; never less than an earlier answer.
    function unitsOf(address board, uint256 id) external view returns (uint256);

    /// Whether the operator broke what it was hired for.
    function hasFailed(address board, uint256 id) external view returns (bool);
}
