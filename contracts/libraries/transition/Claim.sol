// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_NOT_WORKFLOW,
    E_REFERENCE,
    E_WORKFLOW_PENDING,
    INVOCATION_STATUS_OPEN,
    KIND_AGENT,
    KIND_INVOCATION,
    KIND_WORKFLOW,
    OK,
    SETTLEMENT_PAID,
    SETTLEMENT_REFUNDED,
    WORKFLOW_STATUS_OPEN,
    WORKFLOW_STATUS_SUCCEEDED
} from "../../generated/Constants.sol";
import {
    AGENT_FAILED,
    INVOCATION_STATUS,
    INVOCATION_WORKFLOW_SLOT,
    WORKFLOW_ADDED,
    WORKFLOW_CLAIMED,
    WORKFLOW_STATUS
} from "../../generated/LeafFields.sol";
import {R_CLAIM_ID, R_CLAIM_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Slots} from "./Slots.sol";
import {Calls} from "./Calls.sol";
import {Step} from "./Step.sol";

/// @title CLAIM: by anyone, pays or refunds one step of a composed workflow
library Claim {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 slot = step.record.get(R_CLAIM_SLOT);
        (bool found, Words call) = Slots.find(step, KIND_INVOCATION, slot, step.record.get(R_CLAIM_ID)); // CL-1
        if (!found) return E_REFERENCE;
        if (!Calls.isStep(call)) return E_NOT_WORKFLOW;
        uint256 workflowSlot = call.get(INVOCATION_WORKFLOW_SLOT);
        Words workflow = step.touch(KIND_WORKFLOW, workflowSlot); // CL-2
        uint256 status = workflow.get(WORKFLOW_STATUS);
        if (status == WORKFLOW_STATUS_OPEN) return E_WORKFLOW_PENDING;
        bool isPaid = status == WORKFLOW_STATUS_SUCCEEDED; // CL-3
        Calls.note(step, call, slot, isPaid ? SETTLEMENT_PAID : SETTLEMENT_REFUNDED);
        Words provider = step.touch(KIND_AGENT, step.provider);
        if (isPaid) {
            Money.pay(provider, step.amount);
        } else {
            if (call.get(INVOCATION_STATUS) == INVOCATION_STATUS_OPEN) provider.increment(AGENT_FAILED);
            Money.credit(step.touch(KIND_AGENT, step.requester), step.amount);
        }
        Calls.close(step, call, isPaid); // CL-4
        workflow.increment(WORKFLOW_CLAIMED);
        if (workflow.get(WORKFLOW_CLAIMED) == workflow.get(WORKFLOW_ADDED)) {
            Slots.free(step, KIND_WORKFLOW, workflow, workflowSlot);
        }
        return OK;
    }
}
