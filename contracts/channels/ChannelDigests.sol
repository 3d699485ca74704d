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
import {
    ChannelConfig,
    Claim,
    SignedBase,
    SignedClose,
    SignedVoucher,
    SignedWithdrawal
} from "../interfaces/IChannelAdjudicator.sol";

/// @title What parties of channels sign (docs/CHANNELS.md section 1): EIP-712 digests
/// Fields are copied from calldata as they are, which is cheaper than to encode them anew: a struct starts with what is signed of it.
/// So a number with dirty high bits gives another digest, or the id of a channel that does not exist; where the number is used, the
/// compiler's check of it reverts.
library ChannelDigests {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    uint256 private constant CONFIG_BYTES = 256;

    /// The ABI encoding of a config is what stands in calldata.
    function channelIdOf(ChannelConfig calldata config) internal pure returns (bytes32 channelId) {
        uint256 size = CONFIG_BYTES;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, config, size)
            channelId := keccak256(free, size)
        }
    }

    /// Not kept anywhere: a fork of the L1 has another one from its first block on.
    function domainSeparator(address adjudicator) internal view returns (bytes32 domain) {
        (bytes32 typeHash, bytes32 name, bytes32 version) =
            (DOMAIN_TYPEHASH, CHANNEL_DOMAIN_NAME_HASH, CHANNEL_DOMAIN_VERSION_HASH);
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            mstore(add(free, 32), name)
            mstore(add(free, 64), version)
            mstore(add(free, 96), chainid())
            mstore(add(free, 128), adjudicator)
            domain := keccak256(free, 160)
        }
    }

    /// version, paidByA, paidByB
    function ofBase(bytes32 domain, bytes32 channelId, SignedBase calldata base) internal pure returns (bytes32) {
        uint256 from;
        assembly ("memory-safe") {
            from := base
        }
        return _digest(domain, CHANNEL_BASE_TYPEHASH, channelId, from, 3);
    }

    /// payer, version, sequence, paid; then the hash of the locks, and callsHash
    function ofVoucher(bytes32 domain, bytes32 channelId, SignedVoucher calldata voucher, bytes32 locksHash)
        internal
        pure
        returns (bytes32 digest)
    {
        bytes32 typeHash = CHANNEL_VOUCHER_TYPEHASH;
        bytes32 callsHash = voucher.callsHash;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            mstore(add(free, 32), channelId)
            calldatacopy(add(free, 64), voucher, 128)
            mstore(add(free, 192), locksHash)
            mstore(add(free, 224), callsHash)
            let structHash := keccak256(free, 256)
            mstore(free, hex"1901")
            mstore(add(free, 2), domain)
            mstore(add(free, 34), structHash)
            digest := keccak256(free, 66)
        }
    }

    /// Of A's voucher without locks: version, sequence, paid and callsHash follow the config.
    function ofClaim(bytes32 domain, bytes32 channelId, Claim calldata each) internal pure returns (bytes32 digest) {
        bytes32 typeHash = CHANNEL_VOUCHER_TYPEHASH;
        uint256 size = CONFIG_BYTES;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            mstore(add(free, 32), channelId)
            mstore(add(free, 64), 0)
            calldatacopy(add(free, 96), add(each, size), 96)
            mstore(add(free, 192), 0)
            mstore(add(free, 224), calldataload(add(each, add(size, 96))))
            let structHash := keccak256(free, 256)
            mstore(free, hex"1901")
            mstore(add(free, 2), domain)
            mstore(add(free, 34), structHash)
            digest := keccak256(free, 66)
        }
    }

    function ofGrant(bytes32 domain, bytes32 channelId, address key, uint64 cap, uint40 expiry)
        internal
        pure
        returns (bytes32 digest)
    {
        bytes32 structHash = keccak256(abi.encode(CHANNEL_GRANT_TYPEHASH, channelId, key, cap, expiry));
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hex"1901")
            mstore(add(free, 2), domain)
            mstore(add(free, 34), structHash)
            digest := keccak256(free, 66)
        }
    }

    /// paidByA, paidByB
    function ofClose(bytes32 domain, bytes32 channelId, SignedClose calldata signed) internal pure returns (bytes32) {
        uint256 from;
        assembly ("memory-safe") {
            from := signed
        }
        return _digest(domain, CHANNEL_CLOSE_TYPEHASH, channelId, from, 2);
    }

    /// nonce, side, amount, validUntil
    function ofWithdrawal(bytes32 domain, bytes32 channelId, SignedWithdrawal calldata signed)
        internal
        pure
        returns (bytes32)
    {
        uint256 from;
        assembly ("memory-safe") {
            from := signed
        }
        return _digest(domain, CHANNEL_WITHDRAWAL_TYPEHASH, channelId, from, 4);
    }

    /// Of a struct with the channel's id and then `count` words of calldata.
    function _digest(bytes32 domain, bytes32 typeHash, bytes32 channelId, uint256 from, uint256 count)
        private
        pure
        returns (bytes32 digest)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := shl(5, count)
            mstore(free, typeHash)
            mstore(add(free, 32), channelId)
            calldatacopy(add(free, 64), from, size)
            let structHash := keccak256(free, add(size, 64))
            mstore(free, hex"1901")
            mstore(add(free, 2), domain)
            mstore(add(free, 34), structHash)
            digest := keccak256(free, 66)
        }
    }
}
