// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IChannelAdjudicator} from "../interfaces/IChannelAdjudicator.sol";

/// @title Money in and out, in base units; the zero asset is ETH
library ChannelPayments {
    using SafeERC20 for IERC20;

    /// Takes exactly `amount` from the caller, or reverts.
    function pull(address asset, uint256 amount) internal {
        uint256 expectedWei = asset == address(0) ? amount : 0;
        if (msg.value != expectedWei) revert IChannelAdjudicator.WrongValue(msg.value, expectedWei);
        if (asset == address(0) || amount == 0) return;
        uint256 before = IERC20(asset).balanceOf(address(this));
        IERC20(asset).safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = IERC20(asset).balanceOf(address(this));
        if (held < before || held - before != amount) {
            revert IChannelAdjudicator.WrongAmountReceived(held < before ? 0 : held - before, amount);
        }
    }

    /// Pays with all the gas there is, or reverts.
    function send(address asset, address to, uint256 amount) internal {
        if (asset != address(0)) return IERC20(asset).safeTransfer(to, amount);
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert IChannelAdjudicator.PaymentFailed(asset, to, amount);
    }
}
