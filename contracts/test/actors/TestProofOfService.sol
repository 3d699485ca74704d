// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Proven} from "../../interfaces/IProofOfService.sol";

/// Proven calls as they are set, for a board that asks for them. Agents that were not set have none.
contract TestProofOfService {
    mapping(uint256 agentId => Proven) private proven;

    function setCalls(uint256 agentId, uint64 calls) external {
        proven[agentId].calls = calls;
    }

    /// As in `IProofOfService`.
    function provenOf(uint256 agentId) external view returns (Proven memory) {
        return proven[agentId];
    }
}
