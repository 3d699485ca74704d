// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Slots without their zero words (RULES B-7), for an event: a logged byte costs 8 gas whatever it is, and most records are mostly zero.
///
///     | bitmap | its non-zero words | bitmap | its non-zero words | ...
///
/// A bitmap stands for 85 slots (255 words), the last one for those that are left; its most significant bit for its first word.
library PackedSlots {
    /// 85 slots of 96 bytes.
    uint256 internal constant GROUP_BYTES = 8160;

    /// @param slots whole slots: the caller has checked it.
    function pack(bytes calldata slots) internal pure returns (bytes memory packed) {
        assembly ("memory-safe") {
            packed := mload(0x40)
            let out := add(packed, 32)
            let at := slots.offset
            let end := add(at, slots.length)
            for {} lt(at, end) {} {
                let bitmap := out
                let bits := 0
                let groupEnd := add(at, GROUP_BYTES)
                if gt(groupEnd, end) { groupEnd := end }
                let unusedBits := sub(256, shr(5, sub(groupEnd, at)))
                out := add(out, 32)
                // Every word is written, and the next one over it when it is zero: cheaper than a jump.
                for {} lt(at, groupEnd) { at := add(at, 96) } {
                    let word := calldataload(at)
                    mstore(out, word)
                    let isSet := gt(word, 0)
                    out := add(out, shl(5, isSet))
                    bits := or(shl(1, bits), isSet)

                    word := calldataload(add(at, 32))
                    mstore(out, word)
                    isSet := gt(word, 0)
                    out := add(out, shl(5, isSet))
                    bits := or(shl(1, bits), isSet)

                    word := calldataload(add(at, 64))
                    mstore(out, word)
                    isSet := gt(word, 0)
                    out := add(out, shl(5, isSet))
                    bits := or(shl(1, bits), isSet)
                }
                mstore(bitmap, shl(unusedBits, bits))
            }
            mstore(packed, sub(out, add(packed, 32)))
            mstore(0x40, out)
        }
    }
}
