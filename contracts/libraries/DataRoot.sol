// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The commitment to a batch's or a forced entry's slots (RULES B-1): opening one slot takes its 4 KiB chunk and a short proof.
library DataRoot {
    /// 42 slots of 96 bytes.
    uint256 internal constant CHUNK_BYTES = 4032;

    /// The root of the smallest 4-ary tree over the hashes of the chunks; zero for no data, the chunk's hash for one chunk.
    function compute(bytes calldata data) internal pure returns (bytes32 root) {
        uint256 count = (data.length + CHUNK_BYTES - 1) / CHUNK_BYTES;
        if (count == 0) return 0;
        assembly ("memory-safe") {
            // Nothing is kept: the memory behind the free pointer is scratch space, hashes first, then one chunk or node.
            let hashes := mload(0x40)
            let buffer := add(hashes, shl(5, add(count, 3)))
            let left := data.length
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                let size := CHUNK_BYTES
                if lt(left, size) { size := left }
                calldatacopy(buffer, add(data.offset, mul(i, CHUNK_BYTES)), size)
                mstore(add(hashes, shl(5, i)), keccak256(buffer, size))
                left := sub(left, size)
            }
            mstore8(add(buffer, 128), 0)
            for {} gt(count, 1) {} {
                // The last node of a level may be short: its missing children are zero.
                let end := add(hashes, shl(5, count))
                mstore(end, 0)
                mstore(add(end, 32), 0)
                mstore(add(end, 64), 0)
                count := shr(2, add(count, 3))
                for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                    // A chunk's hash is never zero, so no node of a level is.
                    mcopy(buffer, add(hashes, shl(7, i)), 128)
                    mstore(add(hashes, shl(5, i)), keccak256(buffer, 129))
                }
            }
            root := mload(hashes)
        }
    }
}
