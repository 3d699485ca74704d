// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Payments that no payee, and no token, can make expensive or impossible
library LimitedPayment {
    /// What the payee or the token gets to run with. Whoever wants more lets the payee pull.
    uint256 internal constant PAYMENT_GAS = 100_000;
    /// What has to be left on top of it: the 64th that EIP-150 keeps back, and the work after the call.
    uint256 private constant RESERVE_GAS = 50_000;

    error TooLittleGas(uint256 left, uint256 needed);

    /// Pays in base units; the zero asset is ETH. Nothing but one word of what comes back is read.
    /// @return ok false if the payee, or the token, refused
    function push(address asset, address to, uint256 amount) internal returns (bool ok) {
        uint256 needed = PAYMENT_GAS + RESERVE_GAS;
        if (gasleft() < needed) revert TooLittleGas(gasleft(), needed);
        uint256 gasLimit = PAYMENT_GAS;
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
}
