// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelAdjudicator, Lock} from "../interfaces/IChannelAdjudicator.sol";

/// @title Lists of conditional payments
library ChannelLocks {
    uint256 internal constant MAX_LOCKS = 16;

    /// Zero without any.
    function hashOf(Lock[] calldata locks) internal pure returns (bytes32) {
        return locks.length == 0 ? bytes32(0) : keccak256(abi.encode(locks));
    }

    /// What the locks come to if all are paid. Bounds the list too.
    function sumOf(Lock[] calldata locks) internal pure returns (uint256 sum) {
        if (locks.length > MAX_LOCKS) revert IChannelAdjudicator.TooMany(locks.length, MAX_LOCKS);
        for (uint256 i; i < locks.length; ++i) {
            sum += locks[i].amount;
        }
    }

    /// What is paid of a list that was recorded, and when the last of the others expires.
    /// @param times when preimages were registered, by hashlock
    function settle(mapping(bytes32 hashlock => uint40) storage times, Lock[] calldata locks)
        internal
        view
        returns (uint256 won, uint256 openUntil)
    {
        for (uint256 i; i < locks.length; ++i) {
            uint256 registeredAt = times[locks[i].hashlock];
            uint256 expiry = locks[i].expiry;
            if (registeredAt == 0) {
                if (expiry > openUntil) openUntil = expiry;
            } else if (registeredAt <= expiry) {
                won += locks[i].amount;
            }
        }
    }
}
