// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {
    Bid,
    BidStatus,
    Bounty,
    Document,
    IBountyBoard,
    Phase,
    RewardKind,
    Stage,
    Terms
} from "../interfaces/IBountyBoard.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IJobEscrow} from "../interfaces/IJobEscrow.sol";
import {BountyBooks} from "./BountyBooks.sol";
import {BountyCalls} from "./BountyCalls.sol";
import {BountyIntake} from "./BountyIntake.sol";
import {BountyWork} from "./BountyWork.sol";
import {TokenVault} from "./TokenVault.sol";

/// Bounties. See `IBountyBoard`.
contract BountyBoard is BountyWork {
    /// Code that works on the board's state, made with it and for good.
    address private immutable intake;

    /// @param owner_ may set the fee of what is funded later, and nothing else
    constructor(
        IJobEscrow escrow_,
        IIdentityRegistry identityRegistry_,
        address owner_,
        uint16 feeBps,
        address feeRecipient
    ) BountyBooks(escrow_, identityRegistry_) TokenVault(owner_, feeBps, feeRecipient) {
        intake = address(new BountyIntake(escrow_, identityRegistry_));
    }

    /// @inheritdoc IBountyBoard
    function post(Terms calldata, Document calldata, Document calldata, uint128) external payable returns (uint256) {
        _takeIn();
    }

    /// @inheritdoc IBountyBoard
    function commitBid(uint256, bytes32) external payable {
        _takeIn();
    }

    /// @inheritdoc IBountyBoard
    function revealBid(uint256, uint256, uint128, bytes32) external {
        _takeIn();
    }

    /// @inheritdoc IBountyBoard
    function rank(uint256, address) external {
        _takeIn();
    }

    /// @inheritdoc IBountyBoard
    function withdrawBid(uint256, address) external {
        _takeIn();
    }

    /// @inheritdoc IBountyBoard
    function fund(uint256 id, uint128 amount) external payable nonReentrant {
        Bounty storage bounty = bounties[id];
        Stage stage = bounty.stage;
        if (stage == Stage.ENGAGED && termsById[id].kind == RewardKind.METERED) {
            // Nobody pays for what was earned before, nor binds a worker whose pool is used up.
            _claim(id);
            uint256 price = bids[id][bounty.worker].price;
            if (bounty.pool < price) revert PoolTooSmall(bounty.pool, price);
        } else if (stage != Stage.BIDDING) {
            // What is in a job may come back: nobody could say what a share is worth.
            _requirePhase(id, Phase.FUNDING);
        }
        _fund(id, amount);
    }

    /// @inheritdoc IBountyBoard
    function award(uint256 id, address bidder) external nonReentrant {
        _requirePhase(id, Phase.AWARD);
        address poster = bounties[id].poster;
        if (msg.sender != poster) revert NotPoster(msg.sender, poster);
        _hire(id, bidder, msg.sender);
    }

    /// @inheritdoc IBountyBoard
    function awardBest(uint256 id) external nonReentrant {
        _requirePhase(id, Phase.FALLBACK);
        address[] memory list = ranked[id];
        for (uint256 i; i < list.length; ++i) {
            BountyCalls.requireGas(HIRE_GAS);
            try BountyWork(payable(this)).hire{gas: HIRE_GAS}(id, list[i], msg.sender) {
                return;
            } catch {}
        }
        revert NobodyToHire(id);
    }

    /// @inheritdoc IBountyBoard
    function take(uint256 id, uint256 agentId) external payable nonReentrant {
        _requirePhase(id, Phase.AWARD);
        Terms storage terms = termsById[id];
        if (msg.sender != terms.bidder) revert NotNamed(msg.sender, terms.bidder);
        Bid storage bid = bids[id][msg.sender];
        if (bid.status != BidStatus.NONE) revert AlreadyBid(id, msg.sender);

        _take(terms.token, terms.stake);
        _show(id, bid, agentId, terms.ceiling);
        _hire(id, msg.sender, msg.sender);
    }

    /// @inheritdoc IBountyBoard
    function reopen(uint256 id) external nonReentrant {
        _requirePhase(id, Phase.LAPSED);
        Bounty storage bounty = bounties[id];
        bool isLast = bounty.stage != Stage.BIDDING || bounty.round == termsById[id].maxRounds;
        if (isLast) revert WrongPhase(id, Phase.LAPSED);
        _startRound(id);
    }

    /// @inheritdoc IBountyBoard
    function close(uint256 id) external nonReentrant {
        Phase phase = _phaseOf(id);
        Bounty storage bounty = bounties[id];
        if (phase == Phase.NONE || phase == Phase.ENGAGED || phase == Phase.CLOSED) revert WrongPhase(id, phase);
        bool isBidding = bounty.stage == Stage.BIDDING;
        bool isOver = phase == Phase.LAPSED && (!isBidding || bounty.round == termsById[id].maxRounds);
        bool isEmpty = isBidding && bounty.pool == 0;
        if (!isOver && !isEmpty && msg.sender != bounty.poster) revert NotPoster(msg.sender, bounty.poster);
        _close(id);
    }

    /// @inheritdoc IBountyBoard
    function refund(uint256 id, address funder) external nonReentrant {
        _requirePhase(id, Phase.CLOSED);
        Bounty storage bounty = bounties[id];
        mapping(address => uint256) storage ofEra = shares[id][bounty.era];
        uint256 share = ofEra[funder];
        uint256 amount = share == 0 ? 0 : Math.mulDiv(bounty.left, share, bounty.totalShares);
        if (amount == 0) revert NothingToRefund(id, funder);
        ofEra[funder] = 0;
        bounty.pool -= uint128(amount);
        _credit(termsById[id].token, funder, amount);
        emit Refunded(id, funder, amount);
    }

    /// @inheritdoc IBountyBoard
    function escrow() external view returns (IJobEscrow) {
        return jobEscrow;
    }

    /// @inheritdoc IBountyBoard
    function identityRegistry() external view returns (IIdentityRegistry) {
        return identities;
    }

    /// @inheritdoc IBountyBoard
    function bountyCount() external view returns (uint256) {
        return lastId;
    }

    /// @inheritdoc IBountyBoard
    function termsOf(uint256 id) external view returns (Terms memory) {
        return termsById[id];
    }

    /// @inheritdoc IBountyBoard
    function bountyOf(uint256 id) external view returns (Bounty memory) {
        return bounties[id];
    }

    /// @inheritdoc IBountyBoard
    function phaseOf(uint256 id) external view returns (Phase) {
        return _phaseOf(id);
    }

    /// @inheritdoc IBountyBoard
    function bidOf(uint256 id, address bidder) external view returns (Bid memory) {
        return bids[id][bidder];
    }

    /// @inheritdoc IBountyBoard
    function rankedOf(uint256 id) external view returns (address[] memory) {
        return ranked[id];
    }

    /// @inheritdoc IBountyBoard
    function sharesOf(uint256 id, address funder) external view returns (uint256) {
        return shares[id][bounties[id].era][funder];
    }

    /// @inheritdoc IBountyBoard
    function bountyOfJob(uint256 jobId) external view returns (uint256) {
        return bountyIdOfJob[jobId];
    }

    /// @inheritdoc IBountyBoard
    function commitmentOf(uint256 id, uint8 round, address bidder, uint256 agentId, uint128 price, bytes32 salt)
        external
        view
        returns (bytes32)
    {
        return _commitmentOf(id, round, bidder, agentId, price, salt);
    }

    /// Runs the same function of the intake on the board's state, and ends the call with what it says.
    function _takeIn() private {
        address target = intake;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), target, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if ok { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }
}
