// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_DEADLINE, KIND_AGENT, OK, SETTLEMENT_REFUNDED} from "../../generated/Constants.sol";
import {AGENT_DISPUTED, INVOCATION_REVIEW_TIME} from "../../generated/LeafFields.sol";
import {R_REJECT_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Calls} from "./Calls.sol";
import {Review} from "./Review.sol";
import {Step} from "./Step.sol";

/// @title REJECT: the requester refuses the answer within the review window, and has the price back
library Reject {
    function execute(Step memory step) internal pure returns (uint256) {
        (uint256 failure, Words call) = Review.check(step);
        if (failure != OK) return failure;
        if (step.l2Time > call.get(INVOCATION_REVIEW_TIME)) return E_DEADLINE; // AC-6
        Calls.note(step, call, step.record.get(R_REJECT_SLOT), SETTLEMENT_REFUNDED);
        Money.credit(step.agentLeaf, step.amount);
        Words provider = step.touch(KIND_AGENT, step.provider);
        provider.increment(AGENT_DISPUTED);
        Review.rate(step, provider);
        Calls.close(step, call, false);
        return OK;
    }
}
