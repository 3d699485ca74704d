// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Signers of compact signatures (B-5, EIP-2098)
library CompactSignature {
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// The zero address for a signature that recovers nothing, or with s above half the curve order.
    function recover(bytes32 digest, uint256 r, uint256 vs) internal pure returns (address) {
        uint256 s = vs & (type(uint256).max >> 1);
        if (s > HALF_ORDER) return address(0);
        return ecrecover(digest, uint8(27 + (vs >> 255)), bytes32(r), bytes32(s));
    }
}
