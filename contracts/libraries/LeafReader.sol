// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Fields of leaves in calldata, named as in `types/Words.sol`
library LeafReader {
    function get(bytes32[4] calldata words, uint256 field) internal pure returns (uint256) {
        uint256 word = uint256(words[field >> 29]);
        return (word >> ((field >> 12) & 0xfff)) & (type(uint256).max >> (256 - (field & 0xfff)));
    }

    function getAddress(bytes32[4] calldata words, uint256 field) internal pure returns (address) {
        return address(uint160(get(words, field)));
    }
}
