// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {ERC721URIStorageUpgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC721/extensions/ERC721URIStorageUpgradeable.sol";
import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC721Utils} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Utils.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IAgentIdentity, MetadataEntry} from "../interfaces/IAgentIdentity.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";

/// The names of agents. See `IAgentIdentity`. Its owner may replace its code, and nothing else.
contract IdentityRegistry is IAgentIdentity, ERC721URIStorageUpgradeable, EIP712Upgradeable, OwnableUpgradeable, UUPSUpgradeable {
    /// @custom:storage-location erc7201:agnt2.storage.IdentityRegistry
    struct RegistryStorage {
        uint256 nextAgentId;
        mapping(uint256 agentId => address) wallets;
        mapping(uint256 agentId => mapping(string key => bytes)) metadata;
    }

    /// keccak256(abi.encode(uint256(keccak256("agnt2.storage.IdentityRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_SLOT = 0x96bee456d15107c2852109d97c8c5686e1cd3c8b26446745e7f81b69c0a04e00;

    bytes32 private constant WALLET_TYPEHASH =
        keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
    string private constant WALLET_KEY = "agentWallet";
    bytes32 private constant WALLET_KEY_HASH = keccak256(bytes(WALLET_KEY));
    uint256 private constant MAX_DEADLINE_SECONDS = 5 minutes;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_) external initializer {
        __ERC721_init("AgentIdentity", "AGENT");
        __EIP712_init("ERC8004IdentityRegistry", "1");
        __Ownable_init(owner_);
    }

    /// @inheritdoc IAgentIdentity
    function register() external returns (uint256 agentId) {
        agentId = _begin();
        _announce(agentId, "");
        _finish(agentId);
    }

    /// @inheritdoc IAgentIdentity
    function register(string calldata agentURI) external returns (uint256 agentId) {
        agentId = _begin();
        _setTokenURI(agentId, agentURI);
        _announce(agentId, agentURI);
        _finish(agentId);
    }

    /// @inheritdoc IAgentIdentity
    function register(string calldata agentURI, MetadataEntry[] calldata metadata) external returns (uint256 agentId) {
        agentId = _begin();
        _setTokenURI(agentId, agentURI);
        _announce(agentId, agentURI);
        for (uint256 i = 0; i < metadata.length; ++i) {
            _setMetadata(agentId, metadata[i].metadataKey, metadata[i].metadataValue);
        }
        _finish(agentId);
    }

    /// @inheritdoc IAgentIdentity
    function setAgentURI(uint256 agentId, string calldata newURI) external {
        _requireActor(agentId);
        _setTokenURI(agentId, newURI);
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    /// @inheritdoc IAgentIdentity
    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue) external {
        _requireActor(agentId);
        _setMetadata(agentId, metadataKey, metadataValue);
    }

    /// @inheritdoc IAgentIdentity
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature) external {
        address owner_ = _requireActor(agentId);
        require(newWallet != address(0), "bad wallet");
        require(block.timestamp <= deadline, "expired");
        require(deadline <= block.timestamp + MAX_DEADLINE_SECONDS, "deadline too far");
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(WALLET_TYPEHASH, agentId, newWallet, owner_, deadline)));
        require(_isSignedBy(newWallet, digest, signature), "invalid wallet sig");
        _setWallet(agentId, newWallet);
    }

    /// @inheritdoc IAgentIdentity
    function unsetAgentWallet(uint256 agentId) external {
        _requireActor(agentId);
        _setWallet(agentId, address(0));
    }

    /// @inheritdoc IAgentIdentity
    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory) {
        RegistryStorage storage $ = _storage();
        if (keccak256(bytes(metadataKey)) == WALLET_KEY_HASH) return _packed($.wallets[agentId]);
        return $.metadata[agentId][metadataKey];
    }

    /// @inheritdoc IAgentIdentity
    function getAgentWallet(uint256 agentId) external view returns (address) {
        return _storage().wallets[agentId];
    }

    /// @inheritdoc IIdentityRegistry
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool) {
        return _isAuthorized(_requireOwned(agentId), spender, agentId);
    }

    /// @inheritdoc IAgentIdentity
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    /// A wallet agreed to be paid for an agent of one owner: with the owner it goes.
    function _update(address to, uint256 agentId, address auth) internal override returns (address) {
        if (to != address(0) && _ownerOf(agentId) != address(0)) _setWallet(agentId, address(0));
        return super._update(to, agentId, auth);
    }

    function _begin() private returns (uint256 agentId) {
        RegistryStorage storage $ = _storage();
        agentId = $.nextAgentId++;
        $.wallets[agentId] = msg.sender;
        _mint(msg.sender, agentId);
    }

    function _announce(uint256 agentId, string memory agentURI) private {
        emit Registered(agentId, agentURI, msg.sender);
        emit MetadataSet(agentId, WALLET_KEY, WALLET_KEY, abi.encodePacked(msg.sender));
    }

    /// A contract that registers itself is asked last, when nothing is left to be written: it may have passed the agent on by then.
    function _finish(uint256 agentId) private {
        ERC721Utils.checkOnERC721Received(msg.sender, address(0), msg.sender, agentId, "");
    }

    function _setMetadata(uint256 agentId, string calldata key, bytes calldata value) private {
        require(keccak256(bytes(key)) != WALLET_KEY_HASH, "reserved key");
        _storage().metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
    }

    function _setWallet(uint256 agentId, address wallet) private {
        _storage().wallets[agentId] = wallet;
        emit MetadataSet(agentId, WALLET_KEY, WALLET_KEY, _packed(wallet));
    }

    function _requireActor(uint256 agentId) private view returns (address owner_) {
        owner_ = _requireOwned(agentId);
        require(_isAuthorized(owner_, msg.sender, agentId), "Not authorized");
    }

    /// A key first, also for an account that has code by EIP-7702; then whatever the wallet's own code says.
    function _isSignedBy(address wallet, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem == ECDSA.RecoverError.NoError && signer == wallet) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(wallet, digest, signature);
    }

    function _packed(address wallet) private pure returns (bytes memory) {
        return wallet == address(0) ? bytes("") : abi.encodePacked(wallet);
    }

    function _storage() private pure returns (RegistryStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_SLOT
        }
    }
}
