// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {WithdrawalTree} from "./WithdrawalTree.sol";

/// The root of a batch's data as RULES B-1 says it, word by word: slow and plain.
library PlainDataRoot {
    uint256 private constant CHUNK_BYTES = 42 * 96;

    function rootOf(bytes memory data) internal pure returns (bytes32) {
        bytes32[] memory level = new bytes32[]((data.length + CHUNK_BYTES - 1) / CHUNK_BYTES);
        for (uint256 i = 0; i < level.length; ++i) {
            uint256 start = i * CHUNK_BYTES;
            uint256 size = data.length - start < CHUNK_BYTES ? data.length - start : CHUNK_BYTES;
            bytes memory chunk = new bytes(size);
            for (uint256 j = 0; j < size; ++j) chunk[j] = data[start + j];
            level[i] = keccak256(chunk);
        }
        while (level.length > 1) {
            bytes32[] memory above = new bytes32[]((level.length + 3) / 4);
            for (uint256 i = 0; i < above.length; ++i) {
                bytes32[4] memory four;
                for (uint256 j = 0; j < 4; ++j) if (4 * i + j < level.length) four[j] = level[4 * i + j];
                above[i] = WithdrawalTree.node(four[0], four[1], four[2], four[3], 0);
            }
            level = above;
        }
        return level.length == 0 ? bytes32(0) : level[0];
    }
}
