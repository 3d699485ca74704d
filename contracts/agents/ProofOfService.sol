// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {
    DEPTH_AGENT,
    DEPTH_RECEIPT,
    KIND_AGENT,
    KIND_RECEIPT,
    OK,
    OP_ACCEPT,
    OP_CLAIM,
    OP_RESPOND,
    OP_TIMEOUT,
    SETTLEMENT_PAID
} from "../generated/Constants.sol";
import {
    AGENT_LINKED_ID,
    AGENT_OWNER,
    RECEIPT_AMOUNT,
    RECEIPT_CAPABILITY,
    RECEIPT_OP,
    RECEIPT_OUTCOME,
    RECEIPT_PROVIDER,
    RECEIPT_REQUESTER,
    RECEIPT_SETTLEMENT
} from "../generated/LeafFields.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {Attached, IProofOfService, LeafProof, Proven} from "../interfaces/IProofOfService.sol";
import {IReputationRegistry} from "../interfaces/IReputationRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {LeafReader} from "../libraries/LeafReader.sol";
import {StateProof} from "../libraries/StateProof.sol";

/// The proven calls of one chain. See `IProofOfService`.
contract ProofOfService is IProofOfService {
    using LeafReader for bytes32[4];

    int256 private constant MAX_SCORE = 100;
    uint256 private constant MAX_DECIMALS = 18;

    /// One client of an agent under one owner: one word.
    struct Relation {
        uint64 calls;
        Attached attached;
    }

    /// @inheritdoc IProofOfService
    address public immutable settlement;
    /// @inheritdoc IProofOfService
    address public immutable identityRegistry;
    /// @inheritdoc IProofOfService
    address public immutable reputationRegistry;
    /// @inheritdoc IProofOfService
    uint256 public immutable proofFeeWei;
    /// @inheritdoc IProofOfService
    uint64 public immutable maxWeight;

    /// One bit for each receipt that was used.
    mapping(uint256 word => uint256) private nullifiers;
    mapping(uint256 agentId => mapping(address owner => Proven)) private provenFor;
    mapping(uint256 agentId => mapping(address owner => mapping(address client => Relation))) private relations;

    constructor(address settlement_, address identityRegistry_, address reputationRegistry_, uint256 proofFeeWei_, uint64 maxWeight_) {
        address known = IReputationRegistry(reputationRegistry_).getIdentityRegistry();
        if (known != identityRegistry_) revert WrongRegistry(known, identityRegistry_);
        // Ids of another registry would be those of other agents.
        known = IInbox(ISettlement(settlement_).config().inbox).config().identityRegistry;
        if (known != identityRegistry_) revert WrongRegistry(known, identityRegistry_);
        if (maxWeight_ == 0) revert ZeroMaxWeight();
        (settlement, identityRegistry, reputationRegistry) = (settlement_, identityRegistry_, reputationRegistry_);
        (proofFeeWei, maxWeight) = (proofFeeWei_, maxWeight_);
    }

    /// @inheritdoc IProofOfService
    function prove(bytes32 claimId, LeafProof calldata receipt, LeafProof calldata requester, LeafProof calldata provider)
        external
        payable
    {
        if (msg.value != proofFeeWei) revert WrongFee(msg.value, proofFeeWei);
        if (isProven(receipt.index)) revert AlreadyProven(receipt.index);
        (bytes32 stateRoot,) = ISettlement(settlement).confirmedState(claimId);
        _checkLeaf(KIND_RECEIPT, DEPTH_RECEIPT, receipt, stateRoot);
        _checkLeaf(KIND_AGENT, DEPTH_AGENT, requester, stateRoot);
        _checkLeaf(KIND_AGENT, DEPTH_AGENT, provider, stateRoot);

        _checkPaidCall(receipt);
        _checkAccount(requester, receipt.leaf.get(RECEIPT_REQUESTER));
        _checkAccount(provider, receipt.leaf.get(RECEIPT_PROVIDER));
        (uint256 agentId, address client) = _parties(requester, provider);

        nullifiers[receipt.index >> 8] |= 1 << (receipt.index & 255);
        _count(agentId, client, receipt);
    }

    /// @inheritdoc IProofOfService
    function attachFeedback(uint256 agentId, address client, uint64 feedbackIndex) external {
        address owner = IERC721(identityRegistry).ownerOf(agentId);
        Relation storage relation = relations[agentId][owner][client];
        uint64 weight = relation.calls < maxWeight ? relation.calls : maxWeight;
        if (weight == 0) revert NoProvenCalls(agentId, client);
        Attached memory former = relation.attached;
        if (feedbackIndex < former.feedbackIndex) revert OlderFeedback(feedbackIndex, former.feedbackIndex);
        uint8 score = _scoreOf(agentId, client, feedbackIndex);

        relation.attached = Attached({feedbackIndex: feedbackIndex, weight: weight, score: score});
        _replace(provenFor[agentId][owner], former, weight, score);
        emit FeedbackAttached(agentId, owner, client, feedbackIndex, score, weight);
    }

    /// @inheritdoc IProofOfService
    function detachFeedback(uint256 agentId, address client) external {
        address owner = IERC721(identityRegistry).ownerOf(agentId);
        Relation storage relation = relations[agentId][owner][client];
        Attached memory former = relation.attached;
        if (former.feedbackIndex == 0) revert NotAttached(agentId, client);
        (,,,, bool isRevoked) = IReputationRegistry(reputationRegistry).readFeedback(agentId, client, former.feedbackIndex);
        if (!isRevoked) revert FeedbackStands(former.feedbackIndex);

        delete relation.attached;
        _replace(provenFor[agentId][owner], former, 0, 0);
        emit FeedbackDetached(agentId, owner, client, former.feedbackIndex);
    }

    /// @inheritdoc IProofOfService
    function provenOf(uint256 agentId) external view returns (Proven memory) {
        return provenFor[agentId][_ownerOf(agentId)];
    }

    /// @inheritdoc IProofOfService
    function provenUnder(uint256 agentId, address owner) external view returns (Proven memory) {
        return provenFor[agentId][owner];
    }

    /// @inheritdoc IProofOfService
    function callsBetween(uint256 agentId, address client) external view returns (uint64) {
        return relations[agentId][_ownerOf(agentId)][client].calls;
    }

    /// @inheritdoc IProofOfService
    function attachedOf(uint256 agentId, address client) external view returns (Attached memory) {
        return relations[agentId][_ownerOf(agentId)][client].attached;
    }

    /// @inheritdoc IProofOfService
    function isProven(uint64 receipt) public view returns (bool) {
        return nullifiers[receipt >> 8] & (1 << (receipt & 255)) != 0;
    }

    function _count(uint256 agentId, address client, LeafProof calldata receipt) private {
        address owner = IERC721(identityRegistry).ownerOf(agentId);
        Proven storage proven = provenFor[agentId][owner];
        Relation storage relation = relations[agentId][owner][client];
        if (relation.calls == 0) ++proven.clients;
        ++proven.calls;
        ++relation.calls;
        (uint256 amount, uint256 capability) = (receipt.leaf.get(RECEIPT_AMOUNT), receipt.leaf.get(RECEIPT_CAPABILITY));
        emit CallProven(agentId, owner, client, receipt.index, uint64(amount), uint32(capability));
    }

    function _checkLeaf(uint256 kind, uint256 depth, LeafProof calldata proof, bytes32 stateRoot) private pure {
        bytes32 root = StateProof.rootOf(kind, depth, proof.index, proof.leaf, proof.siblings);
        if (root != stateRoot) revert BadProof(kind, root, stateRoot);
    }

    /// A call is paid by exactly one record, which takes it out of the state: its provider's answer (RP-10), its requester's acceptance
    /// (AC-5), anybody's after the review time (TO-4), or, for a step, after its workflow succeeded (CL-3).
    function _checkPaidCall(LeafProof calldata receipt) private pure {
        uint256 op = receipt.leaf.get(RECEIPT_OP);
        bool isCall = op == OP_RESPOND || op == OP_ACCEPT || op == OP_TIMEOUT || op == OP_CLAIM;
        bool isPaid = receipt.leaf.get(RECEIPT_OUTCOME) == OK && receipt.leaf.get(RECEIPT_SETTLEMENT) == SETTLEMENT_PAID;
        if (!isCall || !isPaid || receipt.leaf.get(RECEIPT_AMOUNT) == 0) revert NotPaidCall(receipt.index);
    }

    function _checkAccount(LeafProof calldata account, uint256 expected) private pure {
        if (account.index != expected) revert WrongAccount(account.index, expected);
    }

    /// The agent whose account was paid, and the owner of the account that paid.
    function _parties(LeafProof calldata requester, LeafProof calldata provider)
        private
        view
        returns (uint256 agentId, address client)
    {
        uint256 linkedId = provider.leaf.get(AGENT_LINKED_ID);
        if (linkedId == 0) revert NotLinked(provider.index);
        agentId = linkedId - 1;
        client = requester.leaf.getAddress(AGENT_OWNER);
        address served = provider.leaf.getAddress(AGENT_OWNER);
        IIdentityRegistry registry = IIdentityRegistry(identityRegistry);
        if (!registry.isAuthorizedOrOwner(served, agentId)) revert NotAuthorized(served, agentId);
        // Two accounts of one owner are caught here as well: who serves is authorised.
        if (registry.isAuthorizedOrOwner(client, agentId)) revert SelfDealing(client, agentId);
    }

    /// The value of feedback as a whole number from 0 to 100, rounded down.
    function _scoreOf(uint256 agentId, address client, uint64 feedbackIndex) private view returns (uint8) {
        (int128 value, uint8 decimals,,, bool isRevoked) =
            IReputationRegistry(reputationRegistry).readFeedback(agentId, client, feedbackIndex);
        if (isRevoked) revert FeedbackIsRevoked(feedbackIndex);
        if (decimals > MAX_DECIMALS) revert ValueOutOfRange(value, decimals);
        int256 one = int256(10 ** decimals);
        if (value < 0 || value > MAX_SCORE * one) revert ValueOutOfRange(value, decimals);
        return uint8(uint256(value / one));
    }

    function _replace(Proven storage proven, Attached memory former, uint64 weight, uint8 score) private {
        proven.weight = proven.weight - former.weight + weight;
        proven.weightedScore = proven.weightedScore - uint128(former.weight) * former.score + uint128(weight) * score;
    }

    /// Zero, which owns nothing, for an agent that does not exist.
    function _ownerOf(uint256 agentId) private view returns (address) {
        try IERC721(identityRegistry).ownerOf(agentId) returns (address owner) {
            return owner;
        } catch {
            return address(0);
        }
    }
}
