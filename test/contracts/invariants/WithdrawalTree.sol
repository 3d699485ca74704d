// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// A state that holds withdrawals from index 0 on and nothing else; built anew from the rules each time, which is slow and plain.
library WithdrawalTree {
    uint256 private constant DEPTH = 16;
    uint256 private constant KIND = 9;

    function leafOf(address recipient, uint64 units) internal pure returns (bytes32[4] memory words) {
        words[0] = bytes32((uint256(uint160(recipient)) << 96) | (uint256(units) << 32) | 1);
    }

    function node(bytes32 a, bytes32 b, bytes32 c, bytes32 d, uint8 tag) internal pure returns (bytes32) {
        if (a | b | c | d == 0 && tag != 255) return 0;
        return keccak256(abi.encodePacked(a, b, c, d, tag));
    }

    /// The state's root, and the proof of leaf `index` in it.
    function open(bytes32[4][] memory leaves, uint256 index)
        internal
        pure
        returns (bytes32 root, bytes32[] memory siblings)
    {
        bytes32[] memory level = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            level[i] = node(leaves[i][0], leaves[i][1], leaves[i][2], leaves[i][3], uint8(KIND));
        }
        siblings = new bytes32[](3 * (DEPTH + 2));
        uint256 position = index;
        for (uint256 height = 0; height < DEPTH; ++height) {
            _siblings(level, position, siblings, height);
            level = _above(level);
            position >>= 2;
        }
        // Kind 9 is child 1 of group 2. All other siblings up there are zero.
        bytes32 group = node(0, level.length == 0 ? bytes32(0) : level[0], 0, 0, 0);
        root = node(0, 0, group, 0, 255);
    }

    function _siblings(bytes32[] memory level, uint256 position, bytes32[] memory siblings, uint256 height) private pure {
        uint256 next = 3 * height;
        for (uint256 child = (position / 4) * 4; child < (position / 4) * 4 + 4; ++child) {
            if (child == position) continue;
            siblings[next++] = child < level.length ? level[child] : bytes32(0);
        }
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory above) {
        above = new bytes32[]((level.length + 3) / 4);
        bytes32[4] memory children;
        for (uint256 i = 0; i < above.length; ++i) {
            for (uint256 child = 0; child < 4; ++child) {
                children[child] = 4 * i + child < level.length ? level[4 * i + child] : bytes32(0);
            }
            above[i] = node(children[0], children[1], children[2], children[3], 0);
        }
    }
}
