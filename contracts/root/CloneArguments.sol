// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Base of a contract that only lives as a minimal proxy (EIP-1167) with immutable arguments behind the proxy's code.
/// The implementation itself has no arguments and is locked: everything that reads one reverts there.
abstract contract CloneArguments {
    error NotAClone();

    uint256 private constant PROXY_BYTES = 45;
    address private immutable implementation = address(this);

    /// The argument words from `index` on, `count` of them, as one ABI encoding of static values.
    function _arguments(uint256 count) internal view returns (bytes memory encoded) {
        _requireClone();
        encoded = new bytes(32 * count);
        assembly ("memory-safe") {
            extcodecopy(address(), add(encoded, 32), PROXY_BYTES, mload(encoded))
        }
    }

    /// One argument word. Costs about 130 gas, a storage word would cost 2,100.
    function _argument(uint256 index) internal view returns (uint256 word) {
        _requireClone();
        assembly ("memory-safe") {
            extcodecopy(address(), 0, add(PROXY_BYTES, shl(5, index)), 32)
            word := mload(0)
        }
    }

    function _addressArgument(uint256 index) internal view returns (address) {
        return address(uint160(_argument(index)));
    }

    function _requireClone() private view {
        if (address(this) == implementation) revert NotAClone();
    }
}
