// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProofOfService, Proven} from "../../interfaces/IProofOfService.sol";

/// Proven calls as they are set. Agents that were not set have none.
contract TestProofOfService is IProofOfService {
    mapping(uint256 agentId => Proven) private proven;

    function setCalls(uint256 agentId, uint64 calls) external {
        proven[agentId].calls = calls;
    }

    function provenOf(uint256 agentId) external view returns (Proven memory) {
        return proven[agentId];
    }

    function callsBetween(uint256, address) external pure returns (uint64) {
        return 0;
    }
}
