// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_DEADLINE,
    E_FULL,
    E_MALFORMED,
    KIND_WORKFLOW,
    MAX_WORKFLOW_SECONDS,
    MAX_WORKFLOW_STEPS,
    OK,
    SETTLEMENT_PENDING,
    WORKFLOW_STATUS_OPEN
} from "../../generated/Constants.sol";
import {
    WORKFLOW_DEADLINE,
    WORKFLOW_ESCROW,
    WORKFLOW_EXPECTED,
    WORKFLOW_OWNER,
    WORKFLOW_STATUS,
    WORKFLOW_TOTAL
} from "../../generated/LeafFields.sol";
import {R_WORKFLOW_OPEN_DEADLINE, R_WORKFLOW_OPEN_ESCROW, R_WORKFLOW_OPEN_EXPECTED} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Slots} from "./Slots.sol";
import {Step} from "./Step.sol";

/// @title WORKFLOW_OPEN: puts money aside for steps that are settled together
library WorkflowOpen {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 expected = step.record.get(R_WORKFLOW_OPEN_EXPECTED);
        if (expected == 0 || expected > MAX_WORKFLOW_STEPS) return E_MALFORMED; // WO-1
        uint256 deadline = step.record.get(R_WORKFLOW_OPEN_DEADLINE);
        if (deadline < step.l2Time || deadline > step.l2Time + MAX_WORKFLOW_SECONDS) return E_DEADLINE; // WO-2
        step.allocator(); // WO-3
        if (Slots.isFull(step, KIND_WORKFLOW)) return E_FULL;
        uint256 escrow = step.record.get(R_WORKFLOW_OPEN_ESCROW);
        uint256 failure = Money.spend(step, escrow);
        if (failure != OK) return failure;
        Words workflow;
        (workflow, step.slot, step.id) = Slots.allocate(step, KIND_WORKFLOW);
        workflow.set(WORKFLOW_OWNER, step.agent);
        workflow.set(WORKFLOW_ESCROW, escrow);
        workflow.set(WORKFLOW_TOTAL, escrow);
        workflow.set(WORKFLOW_DEADLINE, deadline);
        workflow.set(WORKFLOW_EXPECTED, expected);
        workflow.set(WORKFLOW_STATUS, WORKFLOW_STATUS_OPEN);
        (step.amount, step.requester, step.settlement) = (escrow, step.agent, SETTLEMENT_PENDING);
        return OK;
    }
}
