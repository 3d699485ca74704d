// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_ANSWERED,
    E_DEADLINE,
    E_MALFORMED,
    E_NOT_PROVIDER,
    E_REFERENCE,
    E_WORKFLOW_ENDED,
    INVOCATION_STATUS_ANSWERED,
    INVOCATION_STATUS_FAILED,
    INVOCATION_STATUS_OPEN,
    KIND_AGENT,
    KIND_INVOCATION,
    KIND_WORKFLOW,
    OK,
    POLICY_ON_RESPONSE,
    RESPONSE_FAILURE,
    RESPONSE_SUCCESS,
    SETTLEMENT_PAID,
    SETTLEMENT_PENDING,
    SETTLEMENT_REFUNDED,
    WORKFLOW_STATUS_OPEN
} from "../../generated/Constants.sol";
import {
    AGENT_FAILED,
    INVOCATION_DEADLINE,
    INVOCATION_OUTPUT_HASH,
    INVOCATION_POLICY,
    INVOCATION_PROVIDER,
    INVOCATION_REVIEW_TIME,
    INVOCATION_STATUS,
    INVOCATION_WORKFLOW_SLOT,
    WORKFLOW_ANSWERED,
    WORKFLOW_FAILED,
    WORKFLOW_STATUS
} from "../../generated/LeafFields.sol";
import {R_RESPOND_ID, R_RESPOND_OUTPUT_HASH, R_RESPOND_SLOT, R_RESPOND_STATUS} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Sessions} from "./Sessions.sol";
import {Slots} from "./Slots.sol";
import {Calls} from "./Calls.sol";
import {Step} from "./Step.sol";

/// @title RESPOND: the provider answers a call, or says that it failed
library Respond {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 status = step.record.get(R_RESPOND_STATUS);
        if (status > RESPONSE_FAILURE) return E_MALFORMED; // RP-1
        uint256 slot = step.record.get(R_RESPOND_SLOT);
        (bool found, Words call) = Slots.find(step, KIND_INVOCATION, slot, step.record.get(R_RESPOND_ID)); // RP-2
        if (!found) return E_REFERENCE;
        if (call.get(INVOCATION_PROVIDER) != step.agent) return E_NOT_PROVIDER; // RP-3
        if (call.get(INVOCATION_STATUS) != INVOCATION_STATUS_OPEN) return E_ANSWERED; // RP-4
        if (step.l2Time > call.get(INVOCATION_DEADLINE)) return E_DEADLINE; // RP-5
        uint256 outputHash = step.record.get(R_RESPOND_OUTPUT_HASH);
        if (!Calls.isStep(call)) {
            Sessions.answered(step, call, outputHash); // RP-7
            Calls.note(step, call, slot, SETTLEMENT_PENDING);
            _settle(step, call, status, outputHash);
        } else {
            Words workflow = step.touch(KIND_WORKFLOW, call.get(INVOCATION_WORKFLOW_SLOT)); // RP-6
            if (workflow.get(WORKFLOW_STATUS) != WORKFLOW_STATUS_OPEN) return E_WORKFLOW_ENDED;
            Sessions.answered(step, call, outputHash); // RP-7
            Calls.note(step, call, slot, SETTLEMENT_PENDING);
            _answerStep(step, call, workflow, status, outputHash);
        }
        step.outputHash = outputHash;
        return OK;
    }

    /// RP-8
    function _answerStep(Step memory step, Words call, Words workflow, uint256 status, uint256 outputHash) private pure {
        call.set(INVOCATION_OUTPUT_HASH, outputHash);
        if (status == RESPONSE_SUCCESS) {
            call.set(INVOCATION_STATUS, INVOCATION_STATUS_ANSWERED);
            workflow.increment(WORKFLOW_ANSWERED);
        } else {
            call.set(INVOCATION_STATUS, INVOCATION_STATUS_FAILED);
            workflow.increment(WORKFLOW_FAILED);
            step.agentLeaf.increment(AGENT_FAILED);
        }
    }

    function _settle(Step memory step, Words call, uint256 status, uint256 outputHash) private pure {
        if (status == RESPONSE_FAILURE) {
            step.agentLeaf.increment(AGENT_FAILED); // RP-9
            Sessions.ended(step, call, false);
            Money.credit(step.touch(KIND_AGENT, step.requester), step.amount);
            Slots.free(step, KIND_INVOCATION, call, step.slot);
            step.settlement = SETTLEMENT_REFUNDED;
        } else if (call.get(INVOCATION_POLICY) == POLICY_ON_RESPONSE) {
            Money.pay(step.agentLeaf, step.amount); // RP-10
            Calls.close(step, call, true);
            step.settlement = SETTLEMENT_PAID;
        } else {
            call.set(INVOCATION_STATUS, INVOCATION_STATUS_ANSWERED); // RP-11
            call.set(INVOCATION_OUTPUT_HASH, outputHash);
            uint256 end = step.l2Time + call.get(INVOCATION_REVIEW_TIME);
            call.set(INVOCATION_REVIEW_TIME, end > type(uint32).max ? type(uint32).max : end);
        }
    }
}
