// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IReputationRegistry} from "../interfaces/IReputationRegistry.sol";

/// What clients say of agents. See `IReputationRegistry`. Its owner may replace its code, and nothing else.
contract ReputationRegistry is IReputationRegistry, OwnableUpgradeable, UUPSUpgradeable {
    struct Feedback {
        int128 value;
        uint8 valueDecimals;
        bool isRevoked;
        string tag1;
        string tag2;
    }

    struct Responses {
        address[] responders;
        mapping(address responder => uint64) countOf;
    }

    /// What one client said of one agent, by index from 1.
    struct ClientRecord {
        uint64 lastIndex;
        mapping(uint64 index => Feedback) feedback;
        mapping(uint64 index => Responses) responses;
    }

    /// @custom:storage-location erc7201:agnt2.storage.ReputationRegistry
    struct RegistryStorage {
        IIdentityRegistry identityRegistry;
        mapping(uint256 agentId => address[]) clients;
        mapping(uint256 agentId => mapping(address client => ClientRecord)) records;
    }

    /// Which feedback is asked for; the hash of an empty tag lets all pass.
    struct Filter {
        bytes32 tag1Hash;
        bytes32 tag2Hash;
        bool includeRevoked;
    }

    /// keccak256(abi.encode(uint256(keccak256("agnt2.storage.ReputationRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_SLOT = 0x469b3ad654b39194262c4853d4bebafb86b33efaaf999230cdb125803cbd0f00;

    int128 private constant MAX_VALUE = 1e38;
    uint8 private constant MAX_DECIMALS = 18;
    bytes32 private constant EMPTY_HASH = keccak256("");

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

    /// @inheritdoc IReputationRegistry
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string memory tag1,
        string memory tag2,
        string memory endpoint,
        string memory feedbackURI,
        bytes32 feedbackHash
    ) external {
        require(valueDecimals <= MAX_DECIMALS, "too many decimals");
        require(value >= -MAX_VALUE && value <= MAX_VALUE, "value too large");
        require(!_storage().identityRegistry.isAuthorizedOrOwner(msg.sender, agentId), "Self-feedback not allowed");
        uint64 index = _append(agentId, Feedback(value, valueDecimals, false, tag1, tag2));
        emit NewFeedback(
            agentId, msg.sender, index, value, valueDecimals, tag1, tag1, tag2, endpoint, feedbackURI, feedbackHash
        );
    }

    /// @inheritdoc IReputationRegistry
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external {
        Feedback storage feedback = _existing(agentId, msg.sender, feedbackIndex).feedback[feedbackIndex];
        require(!feedback.isRevoked, "Already revoked");
        feedback.isRevoked = true;
        emit FeedbackRevoked(agentId, msg.sender, feedbackIndex);
    }

    /// @inheritdoc IReputationRegistry
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external {
        require(feedbackIndex > 0, "index must be > 0");
        require(bytes(responseURI).length > 0, "Empty URI");
        Responses storage responses = _existing(agentId, clientAddress, feedbackIndex).responses[feedbackIndex];
        if (++responses.countOf[msg.sender] == 1) responses.responders.push(msg.sender);
        emit ResponseAppended(agentId, clientAddress, feedbackIndex, msg.sender, responseURI, responseHash);
    }

    /// @inheritdoc IReputationRegistry
    function getIdentityRegistry() external view returns (address) {
        return address(_storage().identityRegistry);
    }

    /// @inheritdoc IReputationRegistry
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64) {
        return _storage().records[agentId][clientAddress].lastIndex;
    }

    /// @inheritdoc IReputationRegistry
    function getClients(uint256 agentId) external view returns (address[] memory) {
        return _storage().clients[agentId];
    }

    /// @inheritdoc IReputationRegistry
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked)
    {
        Feedback storage feedback = _existing(agentId, clientAddress, feedbackIndex).feedback[feedbackIndex];
        return (feedback.value, feedback.valueDecimals, feedback.tag1, feedback.tag2, feedback.isRevoked);
    }

    /// @inheritdoc IReputationRegistry
    function getSummary(uint256 agentId, address[] calldata clientAddresses, string calldata tag1, string calldata tag2)
        external
        view
        returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals)
    {
        require(clientAddresses.length > 0, "clientAddresses required");
        uint64[MAX_DECIMALS + 1] memory withDecimals;
        int256 sum;
        (count, sum, withDecimals) =
            _tally(agentId, clientAddresses, Filter(keccak256(bytes(tag1)), keccak256(bytes(tag2)), false));
        if (count == 0) return (0, 0, 0);

        for (uint8 decimals = 1; decimals <= MAX_DECIMALS; ++decimals) {
            if (withDecimals[decimals] > withDecimals[summaryValueDecimals]) summaryValueDecimals = decimals;
        }
        summaryValue = _clamped(sum / int256(uint256(count)) / _scale(summaryValueDecimals));
    }

    /// @inheritdoc IReputationRegistry
    function readAllFeedback(
        uint256 agentId,
        address[] memory clientAddresses,
        string memory tag1,
        string memory tag2,
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
        )
    {
        (clients, feedbackIndexes) = _find(
            agentId, clientAddresses, Filter(keccak256(bytes(tag1)), keccak256(bytes(tag2)), includeRevoked)
        );
        (values, valueDecimals, revokedStatuses) = _figures(agentId, clients, feedbackIndexes);
        (tag1s, tag2s) = _tags(agentId, clients, feedbackIndexes);
    }

    /// @inheritdoc IReputationRegistry
    function getResponseCount(uint256 agentId, address clientAddress, uint64 feedbackIndex, address[] calldata responders)
        external
        view
        returns (uint64 count)
    {
        RegistryStorage storage $ = _storage();
        if (clientAddress == address(0)) {
            address[] storage clients = $.clients[agentId];
            for (uint256 i = 0; i < clients.length; ++i) count += _countAll($.records[agentId][clients[i]], responders);
            return count;
        }
        ClientRecord storage record = $.records[agentId][clientAddress];
        return feedbackIndex == 0 ? _countAll(record, responders) : _count(record.responses[feedbackIndex], responders);
    }

    /// @inheritdoc IReputationRegistry
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}

    function _append(uint256 agentId, Feedback memory feedback) private returns (uint64 index) {
        RegistryStorage storage $ = _storage();
        ClientRecord storage record = $.records[agentId][msg.sender];
        index = ++record.lastIndex;
        if (index == 1) $.clients[agentId].push(msg.sender);
        record.feedback[index] = feedback;
    }

    function _existing(uint256 agentId, address client, uint64 index) private view returns (ClientRecord storage record) {
        require(index > 0, "index must be > 0");
        record = _storage().records[agentId][client];
        require(index <= record.lastIndex, "index out of bounds");
    }

    /// The sum is in 18 decimals, where a value has at most 188 bits, and 2^64 of them fit.
    function _tally(uint256 agentId, address[] calldata from, Filter memory filter)
        private
        view
        returns (uint64 count, int256 sum, uint64[MAX_DECIMALS + 1] memory withDecimals)
    {
        for (uint256 i = 0; i < from.length; ++i) {
            ClientRecord storage record = _storage().records[agentId][from[i]];
            for (uint64 index = 1; index <= record.lastIndex; ++index) {
                Feedback storage feedback = record.feedback[index];
                if (!_isWanted(feedback, filter)) continue;
                uint8 decimals = feedback.valueDecimals;
                sum += feedback.value * _scale(decimals);
                ++withDecimals[decimals];
                ++count;
            }
        }
    }

    /// Who said what is wanted, and its index: found in one walk into lists of the greatest length, which are then cut.
    function _find(uint256 agentId, address[] memory from, Filter memory filter)
        private
        view
        returns (address[] memory clients, uint64[] memory indexes)
    {
        RegistryStorage storage $ = _storage();
        if (from.length == 0) from = $.clients[agentId];
        uint256 most;
        for (uint256 i = 0; i < from.length; ++i) most += $.records[agentId][from[i]].lastIndex;
        (clients, indexes) = (new address[](most), new uint64[](most));
        uint256 found;
        for (uint256 i = 0; i < from.length; ++i) {
            ClientRecord storage record = $.records[agentId][from[i]];
            for (uint64 index = 1; index <= record.lastIndex; ++index) {
                if (!_isWanted(record.feedback[index], filter)) continue;
                (clients[found], indexes[found]) = (from[i], index);
                ++found;
            }
        }
        assembly ("memory-safe") {
            mstore(clients, found)
            mstore(indexes, found)
        }
    }

    function _figures(uint256 agentId, address[] memory clients, uint64[] memory indexes)
        private
        view
        returns (int128[] memory values, uint8[] memory valueDecimals, bool[] memory revokedStatuses)
    {
        values = new int128[](clients.length);
        valueDecimals = new uint8[](clients.length);
        revokedStatuses = new bool[](clients.length);
        for (uint256 i = 0; i < clients.length; ++i) {
            Feedback storage feedback = _storage().records[agentId][clients[i]].feedback[indexes[i]];
            values[i] = feedback.value;
            valueDecimals[i] = feedback.valueDecimals;
            revokedStatuses[i] = feedback.isRevoked;
        }
    }

    function _tags(uint256 agentId, address[] memory clients, uint64[] memory indexes)
        private
        view
        returns (string[] memory tag1s, string[] memory tag2s)
    {
        tag1s = new string[](clients.length);
        tag2s = new string[](clients.length);
        for (uint256 i = 0; i < clients.length; ++i) {
            Feedback storage feedback = _storage().records[agentId][clients[i]].feedback[indexes[i]];
            (tag1s[i], tag2s[i]) = (feedback.tag1, feedback.tag2);
        }
    }

    function _isWanted(Feedback storage feedback, Filter memory filter) private view returns (bool) {
        if (feedback.isRevoked && !filter.includeRevoked) return false;
        return _isTag(feedback.tag1, filter.tag1Hash) && _isTag(feedback.tag2, filter.tag2Hash);
    }

    function _isTag(string storage tag, bytes32 wantedHash) private pure returns (bool) {
        return wantedHash == EMPTY_HASH || wantedHash == keccak256(bytes(tag));
    }

    function _countAll(ClientRecord storage record, address[] calldata responders) private view returns (uint64 count) {
        for (uint64 index = 1; index <= record.lastIndex; ++index) count += _count(record.responses[index], responders);
    }

    function _count(Responses storage responses, address[] calldata responders) private view returns (uint64 count) {
        address[] memory counted = responders;
        if (counted.length == 0) counted = responses.responders;
        for (uint256 i = 0; i < counted.length; ++i) count += responses.countOf[counted[i]];
    }

    /// What makes a value with these decimals one with 18.
    function _scale(uint8 decimals) private pure returns (int256) {
        return int256(10 ** uint256(MAX_DECIMALS - decimals));
    }

    /// Large values without decimals among small ones with 18 have a mean that 18 decimals cannot hold.
    function _clamped(int256 value) private pure returns (int128) {
        if (value > type(int128).max) return type(int128).max;
        if (value < type(int128).min) return type(int128).min;
        return int128(value);
    }

    function _storage() private pure returns (RegistryStorage storage $) {
        assembly ("memory-safe") {
            $.slot := STORAGE_SLOT
        }
    }
}
