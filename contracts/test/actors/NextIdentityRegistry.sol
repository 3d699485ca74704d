// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IdentityRegistry} from "../../agents/IdentityRegistry.sol";

/// A later release of the registry, with state of its own.
contract NextIdentityRegistry is IdentityRegistry {
    /// @custom:storage-location erc7201:agnt2.storage.test.NextIdentityRegistry
    struct NextStorage {
        string motto;
    }

    /// keccak256(abi.encode(uint256(keccak256("agnt2.storage.test.NextIdentityRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant NEXT_SLOT =
        keccak256(abi.encode(uint256(keccak256("agnt2.storage.test.NextIdentityRegistry")) - 1)) & ~bytes32(uint256(0xff));

    function initializeNext(string calldata motto_) external reinitializer(2) {
        _next().motto = motto_;
    }

    function motto() external view returns (string memory) {
        return _next().motto;
    }

    function _next() private pure returns (NextStorage storage $) {
        bytes32 slot = NEXT_SLOT;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
