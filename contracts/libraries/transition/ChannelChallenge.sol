// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_STATUS_CLOSING,
    CHANNEL_STATUS_OPEN,
    E_CHANNEL_CLOSING,
    E_NOT_PARTY,
    E_REFERENCE,
    OK
} from "../../generated/Constants.sol";
import {CHANNEL_DEADLINE, CHANNEL_STATUS, CHANNEL_WINDOW} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Channels} from "./Channels.sol";
import {Step} from "./Step.sol";

/// @title CHANNEL_CHALLENGE: a party begins to close; the other has the channel's window to answer
library ChannelChallenge {
    function execute(Step memory step) internal pure returns (uint256) {
        (bool found, Words channel) = Channels.find(step);
        if (!found) return E_REFERENCE;
        if (!Channels.isParty(step)) return E_NOT_PARTY; // CH-13
        if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_OPEN) return E_CHANNEL_CLOSING;
        channel.set(CHANNEL_STATUS, CHANNEL_STATUS_CLOSING);
        channel.set(CHANNEL_DEADLINE, Channels.capTime(step.l2Time + channel.get(CHANNEL_WINDOW)));
        return OK;
    }
}
