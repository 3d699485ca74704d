// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IIdentityRegistry} from "./IIdentityRegistry.sol";

/// A named value that an agent publishes about itself.
struct MetadataEntry {
    string metadataKey;
    bytes metadataValue;
}

/// The ERC-8004 identity registry (v2.0.0), without what ERC-721 and ERC-4906 say: each agent is a token "AgentIdentity", the first one
/// is 0, and its URI is that of its registration file. Reverts carry the reasons of the reference contracts, so that clients can
/// tell them apart; a function with an agent id reverts with `ERC721NonexistentToken` for an agent that does not exist, unless it says
/// otherwise. "Acting for an agent" are its owner, the owner's operators, and who is approved for it.
interface IAgentIdentity is IIdentityRegistry {
    /// A new agent. The values of its metadata, and its wallet, follow as `MetadataSet`.
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    /// The whole value of a key, as it is from now on; empty for a wallet that was taken away.
    event MetadataSet(uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue);
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);

    /// Registers an agent of the sender, which is its owner and its wallet.
    function register() external returns (uint256 agentId);
    function register(string calldata agentURI) external returns (uint256 agentId);
    /// Reverts with "reserved key" for the key "agentWallet". Of two values of one key the later one stays.
    function register(string calldata agentURI, MetadataEntry[] calldata metadata) external returns (uint256 agentId);

    /// Reverts with "Not authorized" unless the sender acts for the agent.
    function setAgentURI(uint256 agentId, string calldata newURI) external;

    /// Empty for what was never set, and for an agent that does not exist. "agentWallet" is the wallet in 20 bytes.
    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory);
    /// Reverts with "Not authorized" unless the sender acts for the agent, and with "reserved key" for "agentWallet".
    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue) external;

    /// Where the agent wants to be paid: its first owner, until another wallet is set. Zero after a transfer, after `unsetAgentWallet`,
    /// and for an agent that does not exist.
    function getAgentWallet(uint256 agentId) external view returns (address);
    /// Sets a wallet that agreed: `AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)` under the domain
    /// ("ERC8004IdentityRegistry", "1", chain, registry), signed by the wallet's key or accepted by it as ERC-1271 says. Until the
    /// deadline the signature is good as often as it is shown, for this agent under this owner.
    /// Reverts with "Not authorized", "bad wallet" (zero), "expired", "deadline too far" (more than 5 minutes), "invalid wallet sig".
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature) external;
    /// Reverts with "Not authorized" unless the sender acts for the agent.
    function unsetAgentWallet(uint256 agentId) external;

    /// The version of the reference contracts that this registry behaves as.
    function getVersion() external pure returns (string memory);
}
