// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_AGENT, OK, SETTLEMENT_PAID} from "../../generated/Constants.sol";
import {R_ACCEPT_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Calls} from "./Calls.sol";
import {Review} from "./Review.sol";
import {Step} from "./Step.sol";

/// @title ACCEPT: the requester takes the answer, and the provider is paid
library Accept {
    function execute(Step memory step) internal pure returns (uint256) {
        (uint256 failure, Words call) = Review.check(step);
        if (failure != OK) return failure;
        Calls.note(step, call, step.record.get(R_ACCEPT_SLOT), SETTLEMENT_PAID);
        Words provider = step.touch(KIND_AGENT, step.provider); // AC-5
        Money.pay(provider, step.amount);
        Review.rate(step, provider);
        Calls.close(step, call, true);
        return OK;
    }
}
