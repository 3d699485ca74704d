// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC721URIStorage, ERC721} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";

import {IIdentityRegistry} from "../../interfaces/IIdentityRegistry.sol";

/// The part of an ERC-8004 identity registry that LINK_AGENT needs, for local networks and tests.
contract TestIdentityRegistry is IIdentityRegistry, ERC721URIStorage {
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);

    uint256 private nextAgentId;

    constructor() ERC721("AgentIdentity", "AGENT") {}

    function register(string calldata agentURI) external returns (uint256 agentId) {
        agentId = nextAgentId++;
        _mint(msg.sender, agentId);
        _setTokenURI(agentId, agentURI);
        emit Registered(agentId, agentURI, msg.sender);
    }

    /// Reverts for an agent that does not exist, as the reference registry does.
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool) {
        return _isAuthorized(_requireOwned(agentId), spender, agentId);
    }
}
