// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Calls to contracts that a poster, or a client, chose. They get a fixed share of gas, all of it or the caller's call reverts, and of what they
/// return one word is read.
library BountyCalls {
    /// For `_requireGas`: what the call itself costs, and what has to be done after it.
    uint256 private constant RESERVE_GAS = 60_000;

    error TooLittleGas(uint256 left, uint256 needed);

    /// Reverts when a call now would get less than `gas_`.
    function requireGas(uint256 gas_) internal view {
        // A call can pass on all but a 64th of what is left.
        uint256 needed = gas_ + gas_ / 63 + RESERVE_GAS;
        if (gasleft() < needed) revert TooLittleGas(gasleft(), needed);
    }

    /// Asks without letting it change anything. @return ok whether it answered at least one word
    function ask(address target, bytes memory data, uint256 gas_) internal view returns (bool ok, uint256 word) {
        requireGas(gas_);
        assembly ("memory-safe") {
            mstore(0, 0)
            ok := staticcall(gas_, target, add(data, 32), mload(data), 0, 32)
            ok := and(ok, gt(returndatasize(), 31))
            word := mul(ok, mload(0))
        }
    }

    /// @return ok whether it did not revert
    function tell(address target, bytes memory data, uint256 gas_) internal returns (bool ok) {
        requireGas(gas_);
        assembly ("memory-safe") {
            ok := call(gas_, target, 0, add(data, 32), mload(data), 0, 0)
        }
    }
}
