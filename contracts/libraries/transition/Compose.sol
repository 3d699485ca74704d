// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_REFERENCE,
    E_WORKFLOW_ENDED,
    E_WORKFLOW_PENDING,
    KIND_AGENT,
    KIND_WORKFLOW,
    OK,
    SETTLEMENT_PAID,
    SETTLEMENT_REFUNDED,
    WORKFLOW_STATUS_OPEN,
    WORKFLOW_STATUS_REFUNDED,
    WORKFLOW_STATUS_SUCCEEDED
} from "../../generated/Constants.sol";
import {
    WORKFLOW_ADDED,
    WORKFLOW_ANSWERED,
    WORKFLOW_DEADLINE,
    WORKFLOW_ESCROW,
    WORKFLOW_EXPECTED,
    WORKFLOW_FAILED,
    WORKFLOW_ID,
    WORKFLOW_OWNER,
    WORKFLOW_STATUS
} from "../../generated/LeafFields.sol";
import {R_COMPOSE_ID, R_COMPOSE_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Slots} from "./Slots.sol";
import {Step} from "./Step.sol";

/// @title COMPOSE: by anyone, settles all steps of a workflow or none
library Compose {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 slot = step.record.get(R_COMPOSE_SLOT);
        (bool found, Words workflow) = Slots.find(step, KIND_WORKFLOW, slot, step.record.get(R_COMPOSE_ID)); // CO-1
        if (!found) return E_REFERENCE;
        if (workflow.get(WORKFLOW_STATUS) != WORKFLOW_STATUS_OPEN) return E_WORKFLOW_ENDED;
        uint256 expected = workflow.get(WORKFLOW_EXPECTED);
        uint256 answered = workflow.get(WORKFLOW_ANSWERED);
        bool hasEnded = answered + workflow.get(WORKFLOW_FAILED) == expected;
        if (!hasEnded && step.l2Time <= workflow.get(WORKFLOW_DEADLINE)) return E_WORKFLOW_PENDING; // CO-2
        bool isSuccess = answered == expected; // CO-3
        uint256 escrow = workflow.get(WORKFLOW_ESCROW);
        (step.slot, step.id, step.amount) = (slot, workflow.get(WORKFLOW_ID), escrow);
        step.requester = workflow.get(WORKFLOW_OWNER);
        step.settlement = isSuccess ? SETTLEMENT_PAID : SETTLEMENT_REFUNDED;
        workflow.set(WORKFLOW_STATUS, isSuccess ? WORKFLOW_STATUS_SUCCEEDED : WORKFLOW_STATUS_REFUNDED);
        Money.credit(step.touch(KIND_AGENT, step.requester), escrow);
        workflow.set(WORKFLOW_ESCROW, 0);
        if (workflow.get(WORKFLOW_ADDED) == 0) Slots.free(step, KIND_WORKFLOW, workflow, slot);
        return OK;
    }
}
