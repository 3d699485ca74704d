// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TestToken} from "./TestToken.sol";

/// A token with an issuer's powers: freezes accounts, and changes all balances at once.
contract FreezingToken is TestToken {
    mapping(address account => bool) public isFrozen;
    /// Of every balance as it is told, in hundredths.
    uint256 public percent = 100;

    error Frozen(address account);

    function setFrozen(address account, bool isFrozen_) external {
        isFrozen[account] = isFrozen_;
    }

    function setPercent(uint256 percent_) external {
        percent = percent_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * percent / 100;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (isFrozen[from]) revert Frozen(from);
        if (isFrozen[to]) revert Frozen(to);
        if (from != address(0) && value > balanceOf(from)) revert ERC20InsufficientBalance(from, balanceOf(from), value);
        // Balances are kept as shares.
        super._update(from, to, from == address(0) || to == address(0) ? value : value * 100 / percent);
    }
}
