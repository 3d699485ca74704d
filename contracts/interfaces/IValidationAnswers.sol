// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// What a validator uses of an ERC-8004 validation registry.
interface IValidationAnswers {
    function getValidationStatus(bytes32 requestHash)
        external
        view
        returns (address validator, uint256 agentId, uint8 response, bytes32 responseHash, string memory tag, uint256 lastUpdate);
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;
}
