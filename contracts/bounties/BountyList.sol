// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bid, BidStatus, Bounty, RewardKind, Terms} from "../interfaces/IBountyBoard.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IProofOfService} from "../interfaces/IProofOfService.sol";
import {BountyBooks} from "./BountyBooks.sol";
import {BountyCalls} from "./BountyCalls.sol";
import {BountyTerms} from "./BountyTerms.sol";

/// The live bids, and who of them may be hired.
abstract contract BountyList is BountyBooks {
    using BountyTerms for Terms;

    uint256 internal constant ASK_GAS = 300_000;

    function _commitmentOf(uint256 id, uint8 round, address bidder, uint256 agentId, uint128 price, bytes32 salt)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), id, round, bidder, agentId, price, salt));
    }

    /// The bid can be seen, and is live.
    function _show(uint256 id, Bid storage bid, uint256 agentId, uint128 price) internal {
        Bounty storage bounty = bounties[id];
        (bid.agentId, bid.price, bid.status) = (agentId, price, BidStatus.REVEALED);
        (bid.round, bid.order) = (bounty.round, bounty.revealed);
        bounty.revealed += 1;
        bounty.liveBids += 1;
    }

    /// A live bid is none any more.
    function _unlist(uint256 id, address bidder) internal {
        bounties[id].liveBids -= 1;
        address[] storage list = ranked[id];
        uint256 count = list.length;
        for (uint256 i; i < count; ++i) {
            if (list[i] != bidder) continue;
            for (; i + 1 < count; ++i) {
                list[i] = list[i + 1];
            }
            list.pop();
            return;
        }
    }

    /// Reverts unless the bidder of a revealed bid may do the work now, and the pool pays for what is left of it.
    function _requireHireable(uint256 id, address bidder) internal view {
        Terms storage terms = termsById[id];
        (uint256 agentId, uint256 price) = (bids[id][bidder].agentId, bids[id][bidder].price);
        uint256 cost = price - (terms.kind == RewardKind.METERED ? 0 : terms.dueOf(price, bounties[id].part));
        if (cost > bounties[id].pool) revert PoolTooSmall(bounties[id].pool, cost);
        _requireUnbiased(terms, bidder);
        (bool ok, uint256 word) = BountyCalls.ask(
            address(identities), abi.encodeCall(IIdentityRegistry.isAuthorizedOrOwner, (bidder, agentId)), ASK_GAS
        );
        if (!ok || word != 1) revert NotOfAgent(bidder, agentId);
        uint256 minCalls = terms.minProvenCalls;
        if (minCalls == 0) return;
        // The first word of what it returns is `calls`.
        (, word) = BountyCalls.ask(terms.proofOfService, abi.encodeCall(IProofOfService.provenOf, (agentId)), ASK_GAS);
        if (word < minCalls) revert TooFewProvenCalls(agentId, word, minCalls);
    }

    function _requireUnbiased(Terms storage terms, address bidder) internal view {
        if (bidder == terms.evaluator || bidder == terms.arbiter || bidder == terms.source) revert Biased(bidder);
    }
}
