// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_STATUS_OPEN,
    E_FULL,
    E_SELF,
    E_UNKNOWN_AGENT,
    E_WINDOW,
    KIND_CHANNEL,
    MAX_CHANNEL_SECONDS,
    OK,
    SETTLEMENT_PENDING
} from "../../generated/Constants.sol";
import {CHANNEL_A, CHANNEL_B, CHANNEL_DEPOSIT_A, CHANNEL_STATUS, CHANNEL_WINDOW} from "../../generated/LeafFields.sol";
import {R_CHANNEL_OPEN_AMOUNT, R_CHANNEL_OPEN_PARTNER, R_CHANNEL_OPEN_WINDOW} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Accounts} from "./Accounts.sol";
import {Money} from "./Money.sol";
import {Slots} from "./Slots.sol";
import {Step} from "./Step.sol";

/// @title CHANNEL_OPEN: opens a channel with another agent and puts money into it
library ChannelOpen {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 partner = step.record.get(R_CHANNEL_OPEN_PARTNER);
        if (!Accounts.exists(step, partner)) return E_UNKNOWN_AGENT; // CH-5
        if (partner == step.agent) return E_SELF;
        uint256 window = step.record.get(R_CHANNEL_OPEN_WINDOW);
        if (window == 0 || window > MAX_CHANNEL_SECONDS) return E_WINDOW; // CH-6
        step.allocator(); // CH-7
        if (Slots.isFull(step, KIND_CHANNEL)) return E_FULL;
        uint256 amount = step.record.get(R_CHANNEL_OPEN_AMOUNT);
        uint256 failure = Money.spend(step, amount);
        if (failure != OK) return failure;
        Words channel;
        (channel, step.slot, step.id) = Slots.allocate(step, KIND_CHANNEL);
        channel.set(CHANNEL_A, step.agent);
        channel.set(CHANNEL_B, partner);
        channel.set(CHANNEL_DEPOSIT_A, amount);
        channel.set(CHANNEL_WINDOW, window);
        channel.set(CHANNEL_STATUS, CHANNEL_STATUS_OPEN);
        (step.amount, step.requester, step.provider, step.settlement) = (amount, step.agent, partner, SETTLEMENT_PENDING);
        return OK;
    }
}
