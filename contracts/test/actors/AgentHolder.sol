// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

import {IAgentIdentity, MetadataEntry} from "../../interfaces/IAgentIdentity.sol";

/// A contract that owns agents, and may pass a new one on while it is being registered.
contract AgentHolder is IERC721Receiver {
    error NotTaken(uint256 agentId);

    address public heir;
    bool public isRefusing;
    /// What the registry said of the new agent when it asked.
    address public walletSeen;
    string public nameSeen;

    function setHeir(address heir_) external {
        heir = heir_;
    }

    function setRefusing(bool isRefusing_) external {
        isRefusing = isRefusing_;
    }

    function register(IAgentIdentity registry, string calldata agentURI, MetadataEntry[] calldata metadata) external returns (uint256) {
        return registry.register(agentURI, metadata);
    }

    function onERC721Received(address, address, uint256 agentId, bytes calldata) external returns (bytes4) {
        if (isRefusing) revert NotTaken(agentId);
        walletSeen = IAgentIdentity(msg.sender).getAgentWallet(agentId);
        nameSeen = string(IAgentIdentity(msg.sender).getMetadata(agentId, "name"));
        if (heir != address(0)) IERC721(msg.sender).transferFrom(address(this), heir, agentId);
        return IERC721Receiver.onERC721Received.selector;
    }
}
