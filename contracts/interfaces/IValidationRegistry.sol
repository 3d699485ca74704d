// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The ERC-8004 validation registry (v2.0.0): an agent asks a validator to look at its work, and the validator says 0 … 100. It may say
/// so again and change its mind, so nothing that was paid for an answer may depend on the answer being the same later.
/// A request is known by its hash alone, and the first one with a hash has it: take a hash that nobody can know before, such as that of
/// a request with a random part. Reverts carry the reasons of the reference contracts. `getSummary` and the lists grow without bound:
/// for calls from outside only.
interface IValidationRegistry {
    event ValidationRequest(
        address indexed validatorAddress, uint256 indexed agentId, string requestURI, bytes32 indexed requestHash
    );
    event ValidationResponse(
        address indexed validatorAddress,
        uint256 indexed agentId,
        bytes32 indexed requestHash,
        uint8 response,
        string responseURI,
        bytes32 responseHash,
        string tag
    );

    /// Reverts with "bad validator" (zero), "exists", "Not authorized" unless the sender acts for the agent, and with
    /// `ERC721NonexistentToken` for an agent that does not exist.
    function validationRequest(address validatorAddress, uint256 agentId, string calldata requestURI, bytes32 requestHash) external;

    /// Reverts with "unknown", "not validator", "resp>100". The last response counts.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;

    function getIdentityRegistry() external view returns (address);

    /// `lastUpdate` is the time of the request until there is a response. Reverts with "unknown".
    function getValidationStatus(bytes32 requestHash)
        external
        view
        returns (
            address validatorAddress,
            uint256 agentId,
            uint8 response,
            bytes32 responseHash,
            string memory tag,
            uint256 lastUpdate
        );

    /// Mean, rounded down, of the responses of these validators (nobody named: all) with this tag (empty: any). A validator that is
    /// named twice counts once.
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 avgResponse);

    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory);
    function getValidatorRequests(address validatorAddress) external view returns (bytes32[] memory);

    /// The version of the reference contracts that this registry behaves as.
    function getVersion() external pure returns (string memory);
}
