// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IChannelAdjudicator} from "../interfaces/IChannelAdjudicator.sol";

/// @title Money in and out, in base units; the zero asset is ETH
library ChannelPayments {
    using SafeERC20 for IERC20;

    /// What a payee or the token gets to run with. More is available by `collect`.
    uint256 internal constant PUSH_GAS = 100_000;
    /// What has to be left on top of it: the 64th that EIP-150 keeps back, and the work after the call.
    uint256 private constant RESERVE_GAS = 50_000;

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

    /// Pays with bounded gas and without reading back more than one word, so that no payee can make the payment expensive or
    /// impossible. False if the payee, or the token, refused.
    function push(address asset, address to, uint256 amount) internal returns (bool ok) {
        uint256 needed = PUSH_GAS + RESERVE_GAS;
        if (gasleft() < needed) revert IChannelAdjudicator.TooLittleGas(gasleft(), needed);
        uint256 gasLimit = PUSH_GAS;
        if (asset == address(0)) {
            assembly ("memory-safe") {
                ok := call(gasLimit, to, amount, 0, 0, 0, 0)
            }
        } else {
            bytes memory data = abi.encodeCall(IERC20.transfer, (to, amount));
            assembly ("memory-safe") {
                ok := call(gasLimit, asset, 0, add(data, 32), mload(data), 0, 32)
                // Tokens that return nothing are fine, those that return something have to return true.
                if returndatasize() { ok := and(ok, and(gt(returndatasize(), 31), eq(mload(0), 1))) }
            }
        }
    }

    /// Pays with all the gas there is, or reverts.
    function send(address asset, address to, uint256 amount) internal {
        if (asset != address(0)) return IERC20(asset).safeTransfer(to, amount);
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert IChannelAdjudicator.PaymentFailed(asset, to, amount);
    }
}
