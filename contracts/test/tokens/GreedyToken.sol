// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TestToken} from "./TestToken.sol";

/// Takes one hundredth more from the sender than it sends, once it is switched on.
contract GreedyToken is TestToken {
    bool public isGreedy;

    function setGreedy(bool isGreedy_) external {
        isGreedy = isGreedy_;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (isGreedy && from != address(0) && to != address(0)) super._update(from, address(0), value / 100);
    }
}
