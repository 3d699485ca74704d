// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TestToken} from "./TestToken.sol";

/// Calls a target with given data during every transfer by or to somebody, as a token with hooks would.
contract ReentrantToken is TestToken {
    address private target;
    bytes private data;
    /// What the last call back said; empty for success.
    bytes public lastRevert;

    function setCall(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0)) return;
        (bool ok, bytes memory returned) = target.call(data);
        lastRevert = ok ? bytes("") : returned;
    }
}
