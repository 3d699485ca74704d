// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IValidationRegistry} from "../interfaces/IValidationRegistry.sol";

/// What validators say of agents' work. See `IValidationRegistry`. Its owner may replace its code, and nothing else.
contract ValidationRegistry is IValidationRegistry, OwnableUpgradeable, UUPSUpgradeable {
    struct Validation {
        address validator;
        uint40 lastUpdate;
        uint8 response;
        bool isAnswered;
        uint256 agentId;
        bytes32 responseHash;
        string tag;
    }

    /// @custom:storage-location erc7201:agnt2.storage.ValidationRegistry
    struct RegistryStorage {
        IIdentityRegistry identityRegistry;
        mapping(bytes32 requestHash => Validation) validations;
        mapping(uint256 agentId => bytes32[]) requestsOf;
        mapping(address validator => bytes32[]) requestsTo;
    }

    /// keccak256(abi.encode(uint256(keccak256("agnt2.storage.ValidationRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_SLOT = 0xf6425a124f841e080cc18e281664701f59d75bf689aac0124c8e252df0350b00;

    uint8 private constant MAX_RESPONSE = 100;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// Reverts with "bad identity" without a registry of the agents.
    function initialize(IIdentityRegistry identityRegistry, address owner_) external initializer {
        require(address(identityRegistry) != address(0), "bad identity");
        __Ownable_init(owner_);
        _storage().identityRegistry = identityRegistry;
    }

    /// @inheritdoc IValidationRegistry
    function validationRequest(address validatorAddress, uint256 agentId, string calldata requestURI, bytes32 requestHash) external {
        RegistryStorage storage $ = _storage();
        Validation storage validation = $.validations[requestHash];
        require(validatorAddress != address(0), "bad validator");
        require(validation.validator == address(0), "exists");
        require($.identityRegistry.isAuthorizedOrOwner(msg.sender, agentId), "Not authorized");

        (validation.validator, validation.lastUpdate) = (validatorAddress, uint40(block.timestamp));
        validation.agentId = agentId;
        $.requestsOf[agentId].push(requestHash);
        $.requestsTo[validatorAddress].push(requestHash);
        emit ValidationRequest(validatorAddress, agentId, requestURI, requestHash);
    }

    /// @inheritdoc IValidationRegistry
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external {
        Validation storage validation = _existing(requestHash);
        require(msg.sender == validation.validator, "not validator");
        require(response <= MAX_RESPONSE, "resp>100");

        (validation.lastUpdate, validation.response, validation.isAnswered) = (uint40(block.timestamp), response, true);
        validation.responseHash = responseHash;
        validation.tag = tag;
        emit ValidationResponse(msg.sender, validation.agentId, requestHash, response, responseURI, responseHash, tag);
    }

    /// @inheritdoc IValidationRegistry
    function getIdentityRegistry() external view returns (address) {
        return address(_storage().identityRegistry);
    }

    /// @inheritdoc IValidationRegistry
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
        )
    {
        Validation storage v = _existing(requestHash);
        return (v.validator, v.agentId, v.response, v.responseHash, v.tag, v.lastUpdate);
    }

    /// @inheritdoc IValidationRegistry
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 avgResponse)
    {
        RegistryStorage storage $ = _storage();
        bytes32[] storage requests = $.requestsOf[agentId];
        bytes32 tagHash = keccak256(bytes(tag));
        uint256 sum;
        for (uint256 i = 0; i < requests.length; ++i) {
            Validation storage validation = $.validations[requests[i]];
            if (!validation.isAnswered) continue;
            if (validatorAddresses.length > 0 && !_isAmong(validation.validator, validatorAddresses)) continue;
            if (bytes(tag).length > 0 && keccak256(bytes(validation.tag)) != tagHash) continue;
            sum += validation.response;
            ++count;
        }
        if (count > 0) avgResponse = uint8(sum / count);
    }

    /// @inheritdoc IValidationRegistry
    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory) {
        return _storage().requestsOf[agentId];
    }

    /// @inheritdoc IValidationRegistry
    function getValidatorRequests(address validatorAddress) external view returns (bytes32[] memory) {
        return _storage().requestsTo[validatorAddress];
    }

    /// @inheritdoc IValidationRegistry
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function _existing(bytes32 requestHash) private view returns (Validation storage validation) {
        validation = _storage().validations[requestHash];
        require(validation.validator != address(0), "unknown");
    }

    function _isAmong(address account, address[] calldata accounts) private pure returns (bool) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == account) return true;
        }
        return false;
    }

    function _storage() private pure returns (RegistryStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_SLOT
        }
    }
}
