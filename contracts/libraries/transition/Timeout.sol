// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_ANSWERED,
    E_NOT_DUE,
    E_REFERENCE,
    E_WORKFLOW_ENDED,
    INVOCATION_STATUS_ANSWERED,
    INVOCATION_STATUS_FAILED,
    INVOCATION_STATUS_OPEN,
    KIND_AGENT,
    KIND_INVOCATION,
    KIND_WORKFLOW,
    OK,
    SETTLEMENT_PAID,
    SETTLEMENT_PENDING,
    SETTLEMENT_REFUNDED,
    WORKFLOW_STATUS_OPEN
} from "../../generated/Constants.sol";
import {
    AGENT_FAILED,
    INVOCATION_DEADLINE,
    INVOCATION_REVIEW_TIME,
    INVOCATION_STATUS,
    INVOCATION_WORKFLOW_SLOT,
    WORKFLOW_FAILED,
    WORKFLOW_STATUS
} from "../../generated/LeafFields.sol";
import {R_TIMEOUT_ID, R_TIMEOUT_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Slots} from "./Slots.sol";
import {Calls} from "./Calls.sol";
import {Step} from "./Step.sol";

/// @title TIMEOUT: by anyone, ends a call whose deadline or review window has passed
library Timeout {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 slot = step.record.get(R_TIMEOUT_SLOT);
        (bool found, Words call) = Slots.find(step, KIND_INVOCATION, slot, step.record.get(R_TIMEOUT_ID)); // TO-1
        if (!found) return E_REFERENCE;
        uint256 status = call.get(INVOCATION_STATUS);
        if (status == INVOCATION_STATUS_OPEN) {
            if (step.l2Time <= call.get(INVOCATION_DEADLINE)) return E_NOT_DUE;
            return Calls.isStep(call) ? _failStep(step, call, slot) : _refund(step, call, slot);
        }
        if (status != INVOCATION_STATUS_ANSWERED || Calls.isStep(call)) return E_ANSWERED; // TO-5
        if (step.l2Time <= call.get(INVOCATION_REVIEW_TIME)) return E_NOT_DUE; // TO-4
        Calls.note(step, call, slot, SETTLEMENT_PAID);
        Money.pay(step.touch(KIND_AGENT, step.provider), step.amount);
        Calls.close(step, call, true);
        return OK;
    }

    /// TO-2
    function _refund(Step memory step, Words call, uint256 slot) private pure returns (uint256) {
        Calls.note(step, call, slot, SETTLEMENT_REFUNDED);
        step.touch(KIND_AGENT, step.provider).increment(AGENT_FAILED);
        Money.credit(step.touch(KIND_AGENT, step.requester), step.amount);
        Calls.close(step, call, false);
        return OK;
    }

    /// TO-3: COMPOSE and CLAIM settle it.
    function _failStep(Step memory step, Words call, uint256 slot) private pure returns (uint256) {
        Words workflow = step.touch(KIND_WORKFLOW, call.get(INVOCATION_WORKFLOW_SLOT));
        if (workflow.get(WORKFLOW_STATUS) != WORKFLOW_STATUS_OPEN) return E_WORKFLOW_ENDED;
        workflow.increment(WORKFLOW_FAILED);
        call.set(INVOCATION_STATUS, INVOCATION_STATUS_FAILED);
        Calls.note(step, call, slot, SETTLEMENT_PENDING);
        step.touch(KIND_AGENT, step.provider).increment(AGENT_FAILED);
        return OK;
    }
}
