// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// What a chain uses of an ERC-8004 identity registry.
interface IIdentityRegistry {
    /// Whether `spender` owns agent `agentId` or may act for its owner. May revert for an agent that does not exist.
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool);
}
