// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyMeter} from "../../interfaces/IBountyMeter.sol";

/// Begins what a bounty board would begin, with as little gas as that gives.
contract TestBoard {
    function begin(IBountyMeter meter, uint256 id, address operator, uint256 agentId, bytes calldata params) external {
        meter.begin{gas: 300_000}(id, operator, agentId, params);
    }
}
