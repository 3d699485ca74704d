// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement} from "../../interfaces/ISettlement.sol";

/// Enters many times in one transaction.
contract Crowd {
    /// Backs the claims by turns, `count` times in all.
    function back(ISettlement settlement, bytes32[] calldata claimIds, address mover, uint256 count) external payable {
        bytes32 parent = settlement.claims(claimIds[0]).parent;
        for (uint256 n = 0; n < count; ++n) {
            settlement.back{value: settlement.bondFor(parent)}(claimIds[n % claimIds.length], mover);
        }
    }
}
