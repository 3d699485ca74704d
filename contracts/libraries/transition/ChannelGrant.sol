// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_GRANT_TYPEHASH,
    E_ADDRESS,
    E_AMOUNT,
    E_DEADLINE,
    E_MALFORMED,
    E_REFERENCE,
    E_SIGNATURE,
    MAX_UNITS,
    OK
} from "../../generated/Constants.sol";
import {
    CHANNEL_CAP_A,
    CHANNEL_CAP_B,
    CHANNEL_EXPIRY_A,
    CHANNEL_EXPIRY_B,
    CHANNEL_KEY_A,
    CHANNEL_KEY_B
} from "../../generated/LeafFields.sol";
import {
    R_CHANNEL_GRANT_CAP,
    R_CHANNEL_GRANT_EXPIRY,
    R_CHANNEL_GRANT_KEY,
    R_CHANNEL_GRANT_SIDE
} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Channels} from "./Channels.sol";
import {Step} from "./Step.sol";

/// @title CHANNEL_GRANT: by anyone, makes known a key that a side's owner lets sign for it in this channel
library ChannelGrant {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 side = step.record.get(R_CHANNEL_GRANT_SIDE);
        if (side > 1) return E_MALFORMED; // CH-22
        uint256 key = step.record.get(R_CHANNEL_GRANT_KEY);
        if (key == 0) return E_ADDRESS;
        uint256 cap = step.record.get(R_CHANNEL_GRANT_CAP);
        if (cap > MAX_UNITS) return E_AMOUNT;
        uint256 expiry = step.record.get(R_CHANNEL_GRANT_EXPIRY);
        if (step.l2Time > expiry) return E_DEADLINE;
        (bool found, Words channel) = Channels.find(step);
        if (!found) return E_REFERENCE;

        bytes32 id = Channels.idOf(step, channel); // CH-23
        bytes32 digest = Channels.digestOf(step, abi.encode(CHANNEL_GRANT_TYPEHASH, id, key, cap, expiry));
        if (!Channels.isOwnerSigned(step, side, digest)) return E_SIGNATURE;
        channel.set(side == 0 ? CHANNEL_KEY_A : CHANNEL_KEY_B, key);
        channel.set(side == 0 ? CHANNEL_EXPIRY_A : CHANNEL_EXPIRY_B, expiry);
        channel.set(side == 0 ? CHANNEL_CAP_A : CHANNEL_CAP_B, cap);
        return OK;
    }
}
