// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_BASE_TYPEHASH,
    CHANNEL_CLOSE_TYPEHASH,
    CHANNEL_DOMAIN_NAME_HASH,
    CHANNEL_DOMAIN_VERSION_HASH,
    CHANNEL_GRANT_TYPEHASH,
    CHANNEL_VOUCHER_TYPEHASH,
    CHANNEL_WITHDRAWAL_TYPEHASH
} from "../generated/Constants.sol";
import {Grant, SignedBase, SignedClose, SignedVoucher, SignedWithdrawal} from "../interfaces/IChannelAdjudicator.sol";

/// @title What parties of channels sign (docs/CHANNELS.md section 1): EIP-712 digests
library ChannelDigests {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// Not kept anywhere: a fork of the L1 has another one from its first block on.
    function domainSeparator(address adjudicator) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, CHANNEL_DOMAIN_NAME_HASH, CHANNEL_DOMAIN_VERSION_HASH, block.chainid, adjudicator
            )
        );
    }

    function ofBase(bytes32 domain, bytes32 channelId, SignedBase calldata base) internal pure returns (bytes32) {
        return _digest(
            domain, abi.encode(CHANNEL_BASE_TYPEHASH, channelId, base.version, base.paidByA, base.paidByB)
        );
    }

    function ofVoucher(bytes32 domain, bytes32 channelId, SignedVoucher calldata voucher, bytes32 locksHash)
        internal
        pure
        returns (bytes32)
    {
        return _digest(
            domain,
            abi.encode(
                CHANNEL_VOUCHER_TYPEHASH,
                channelId,
                voucher.payer,
                voucher.version,
                voucher.sequence,
                voucher.paid,
                locksHash,
                voucher.callsHash
            )
        );
    }

    function ofGrant(bytes32 domain, bytes32 channelId, address key, uint64 cap, uint40 expiry)
        internal
        pure
        returns (bytes32)
    {
        return _digest(domain, abi.encode(CHANNEL_GRANT_TYPEHASH, channelId, key, cap, expiry));
    }

    function ofClose(bytes32 domain, bytes32 channelId, SignedClose calldata signed) internal pure returns (bytes32) {
        return _digest(domain, abi.encode(CHANNEL_CLOSE_TYPEHASH, channelId, signed.paidByA, signed.paidByB));
    }

    function ofWithdrawal(bytes32 domain, bytes32 channelId, SignedWithdrawal calldata signed)
        internal
        pure
        returns (bytes32)
    {
        return _digest(
            domain,
            abi.encode(
                CHANNEL_WITHDRAWAL_TYPEHASH, channelId, signed.nonce, signed.side, signed.amount, signed.validUntil
            )
        );
    }

    function _digest(bytes32 domain, bytes memory encoded) private pure returns (bytes32 digest) {
        bytes32 structHash = keccak256(encoded);
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hex"1901")
            mstore(add(free, 2), domain)
            mstore(add(free, 34), structHash)
            digest := keccak256(free, 66)
        }
    }
}
