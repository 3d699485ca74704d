// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Grant, IChannelAdjudicator} from "../interfaces/IChannelAdjudicator.sol";
import {CompactSignature} from "../libraries/CompactSignature.sol";
import {ChannelDigests} from "./ChannelDigests.sol";

/// Where and when a signature has to count.
struct Scope {
    bytes32 domain;
    bytes32 channelId;
    /// L1 time: grants must not have expired then.
    uint256 time;
}

/// @title Who signed for a party of a channel: the party itself, or a session key that it granted
library ChannelSignatures {
    /// What an ERC-1271 principal gets to run with: enough for many signers, or for a curve that the EVM has no precompile for.
    uint256 internal constant PRINCIPAL_GAS = 500_000;
    bytes4 private constant IS_VALID_SIGNATURE = 0x1626ba7e;

    /// Reverts unless `digest` is signed for `principal`. A key also needs its grant, alive, with a cap of at least `paid`.
    /// @param registered marks of grants, by `grantMark`
    function requireSigned(
        mapping(bytes32 mark => bool) storage registered,
        Scope memory scope,
        address principal,
        bytes32 digest,
        bytes calldata signature,
        Grant[] calldata grant,
        uint256 paid
    ) internal view {
        if (grant.length == 0) {
            if (!_isSignedBy(principal, digest, signature)) {
                revert IChannelAdjudicator.BadSignature(digest, principal);
            }
            return;
        }
        if (grant.length > 1) revert IChannelAdjudicator.TooMany(grant.length, 1);
        requireGranted(registered, scope, principal, grant[0]);
        address key = grant[0].key;
        if (paid > grant[0].cap) revert IChannelAdjudicator.GrantCapExceeded(key, paid, grant[0].cap);
        if (signature.length != 64 || !_isSignedBy(key, digest, signature)) {
            revert IChannelAdjudicator.BadSignature(digest, key);
        }
    }

    /// Reverts unless `principal` granted this, and it is alive.
    function requireGranted(
        mapping(bytes32 mark => bool) storage registered,
        Scope memory scope,
        address principal,
        Grant calldata grant
    ) internal view {
        (address key, uint64 cap, uint40 expiry) = (grant.key, grant.cap, grant.expiry);
        if (scope.time > expiry) revert IChannelAdjudicator.GrantExpired(key, expiry);
        if (grant.signature.length == 0) {
            if (!registered[grantMark(scope.channelId, principal, key, cap, expiry)]) {
                revert IChannelAdjudicator.GrantUnknown(principal, key);
            }
            return;
        }
        bytes32 digest = ChannelDigests.ofGrant(scope.domain, scope.channelId, key, cap, expiry);
        if (!_isSignedBy(principal, digest, grant.signature)) {
            revert IChannelAdjudicator.BadSignature(digest, principal);
        }
    }

    function grantMark(bytes32 channelId, address principal, address key, uint64 cap, uint40 expiry)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(channelId, principal, key, cap, expiry));
    }

    /// 64 bytes are EIP-2098 with a low s; anything else is a matter of the signer's code.
    function _isSignedBy(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signature.length != 64) return _isValid1271(signer, digest, signature);
        address recovered = CompactSignature.recover(
            digest, uint256(bytes32(signature[0:32])), uint256(bytes32(signature[32:64]))
        );
        return recovered != address(0) && recovered == signer;
    }

    /// With bounded gas, and without reading back more than one word.
    function _isValid1271(address signer, bytes32 digest, bytes calldata signature) private view returns (bool ok) {
        bytes memory data = abi.encodeWithSelector(IS_VALID_SIGNATURE, digest, signature);
        uint256 gasLimit = PRINCIPAL_GAS;
        bytes32 expected = bytes32(IS_VALID_SIGNATURE);
        assembly ("memory-safe") {
            mstore(0, 0)
            ok := staticcall(gasLimit, signer, add(data, 32), mload(data), 0, 32)
            ok := and(ok, and(gt(returndatasize(), 31), eq(mload(0), expected)))
        }
    }
}
