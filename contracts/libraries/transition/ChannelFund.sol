// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_STATUS_OPEN,
    E_AMOUNT,
    E_CHANNEL_CLOSING,
    E_MALFORMED,
    E_REFERENCE,
    OK,
    SETTLEMENT_PENDING
} from "../../generated/Constants.sol";
import {CHANNEL_DEPOSIT_A, CHANNEL_DEPOSIT_B, CHANNEL_STATUS} from "../../generated/LeafFields.sol";
import {R_CHANNEL_FUND_AMOUNT, R_CHANNEL_FUND_SIDE} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Channels} from "./Channels.sol";
import {Money} from "./Money.sol";
import {Step} from "./Step.sol";

/// @title CHANNEL_FUND: by anyone, adds to what a side has in a channel
library ChannelFund {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 side = step.record.get(R_CHANNEL_FUND_SIDE);
        if (side > 1) return E_MALFORMED; // CH-8
        uint256 amount = step.record.get(R_CHANNEL_FUND_AMOUNT);
        if (amount == 0) return E_AMOUNT;
        (bool found, Words channel) = Channels.find(step);
        if (!found) return E_REFERENCE;
        if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_OPEN) return E_CHANNEL_CLOSING; // CH-9
        uint256 failure = Money.spend(step, amount);
        if (failure != OK) return failure;
        uint256 deposit = side == 0 ? CHANNEL_DEPOSIT_A : CHANNEL_DEPOSIT_B;
        channel.set(deposit, channel.get(deposit) + amount);
        (step.amount, step.settlement) = (amount, SETTLEMENT_PENDING);
        return OK;
    }
}
