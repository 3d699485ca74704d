// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The ERC-8004 reputation registry (v2.0.0): what clients say of agents. Anybody may be a client but who acts for the agent at that
/// moment, so a summary is worth what the given list of clients is worth: moving an agent to a second account and back, or making
/// accounts by the thousand, costs gas and nothing else (docs/BOUNTIES.md says what counts where money is at stake).
/// Reverts carry the reasons of the reference contracts. `getSummary`, `readAllFeedback`, `getResponseCount` and `getClients` walk lists
/// that strangers make longer: for calls from outside only.
interface IReputationRegistry {
    event NewFeedback(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        int128 value,
        uint8 valueDecimals,
        string indexed indexedTag1,
        string tag1,
        string tag2,
        string endpoint,
        string feedbackURI,
        bytes32 feedbackHash
    );
    event FeedbackRevoked(uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex);
    event ResponseAppended(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        address indexed responder,
        string responseURI,
        bytes32 responseHash
    );

    /// Says `value / 10^valueDecimals` of an agent; a client's first feedback for it has index 1. The endpoint, the URI and the hash of
    /// what is at the URI are in the event only. Its gas does not depend on how much was said before.
    /// Reverts with "too many decimals" (more than 18), "value too large" (beyond ±1e38), "Self-feedback not allowed", and with
    /// `ERC721NonexistentToken` for an agent that does not exist.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string calldata tag1,
        string calldata tag2,
        string calldata endpoint,
        string calldata feedbackURI,
        bytes32 feedbackHash
    ) external;

    /// Takes the sender's own feedback back; it can still be read. Reverts with "index must be > 0", "index out of bounds", "Already revoked".
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external;

    /// Anybody may answer, the agent or who knows more. Reverts with "index must be > 0", "Empty URI", "index out of bounds".
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external;

    function getIdentityRegistry() external view returns (address);
    /// Index of the client's last feedback, 0 when there is none.
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64);
    /// Every client that ever gave feedback, in the order of its first one.
    function getClients(uint256 agentId) external view returns (address[] memory);

    /// Reverts with "index must be > 0", "index out of bounds".
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked);

    /// Mean of the feedback of these clients that is not revoked and has these tags (empty: any), with the decimals that most of it
    /// has (of equals: the fewest), rounded towards zero; a mean that those decimals cannot hold is the nearest int128. A client that
    /// is named twice counts twice. Reverts with "clientAddresses required" when nobody is named.
    function getSummary(uint256 agentId, address[] calldata clientAddresses, string calldata tag1, string calldata tag2)
        external
        view
        returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals);

    /// As `getSummary`, every feedback by itself. Nobody named: all clients.
    function readAllFeedback(
        uint256 agentId,
        address[] calldata clientAddresses,
        string calldata tag1,
        string calldata tag2,
        bool includeRevoked
    )
        external
        view
        returns (
            address[] memory clients,
            uint64[] memory feedbackIndexes,
            int128[] memory values,
            uint8[] memory valueDecimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revokedStatuses
        );

    /// Answers of these responders (nobody named: all) to one feedback; index 0: to all of the client's; client zero: to all feedback.
    function getResponseCount(uint256 agentId, address clientAddress, uint64 feedbackIndex, address[] calldata responders)
        external
        view
        returns (uint64 count);

    /// The version of the reference contracts that this registry behaves as.
    function getVersion() external pure returns (string memory);
}
