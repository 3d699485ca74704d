// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    DEPTH_INVOCATION,
    E_DEADLINE,
    E_DEP_FAILED,
    E_DEP_PENDING,
    E_DEP_UNKNOWN,
    E_ESCROW,
    E_FULL,
    E_MALFORMED,
    E_NOT_OWNER,
    E_NOT_PARTY,
    E_POLICY,
    E_REFERENCE,
    E_SELF,
    E_UNKNOWN_AGENT,
    E_WINDOW,
    E_WORKFLOW_ENDED,
    E_WORKFLOW_STEPS,
    INVOCATION_STATUS_FAILED,
    INVOCATION_STATUS_OPEN,
    INVOKE_FLAG_DEPENDENCY,
    INVOKE_FLAG_REVIEW,
    INVOKE_FLAG_SECOND_DEPENDENCY,
    INVOKE_FLAG_SESSION,
    INVOKE_FLAG_WORKFLOW,
    KIND_INVOCATION,
    KIND_SESSION,
    KIND_WORKFLOW,
    MAX_CALL_SECONDS,
    MAX_REVIEW_SECONDS,
    OK,
    POLICY_ON_ACCEPTANCE,
    POLICY_ON_RESPONSE,
    SETTLEMENT_PENDING,
    WORKFLOW_STATUS_OPEN
} from "../../generated/Constants.sol";
import {
    AGENT_MADE,
    ALLOCATOR_INVOCATION_NEXT_ID,
    INVOCATION_CAPABILITY,
    INVOCATION_DEADLINE,
    INVOCATION_ID,
    INVOCATION_INPUT_HASH,
    INVOCATION_POLICY,
    INVOCATION_PRICE,
    INVOCATION_PROVIDER,
    INVOCATION_REQUESTER,
    INVOCATION_REVIEW_TIME,
    INVOCATION_SESSION_ID,
    INVOCATION_SESSION_SLOT,
    INVOCATION_STATUS,
    INVOCATION_WORKFLOW_ID,
    INVOCATION_WORKFLOW_SLOT,
    SESSION_ID,
    SESSION_PROVIDER,
    SESSION_REQUESTER,
    WORKFLOW_ADDED,
    WORKFLOW_DEADLINE,
    WORKFLOW_ESCROW,
    WORKFLOW_EXPECTED,
    WORKFLOW_OWNER,
    WORKFLOW_STATUS
} from "../../generated/LeafFields.sol";
import {
    R_INVOKE_AUX_ID,
    R_INVOKE_AUX_SLOT,
    R_INVOKE_CAPABILITY,
    R_INVOKE_DEADLINE,
    R_INVOKE_DEP_ID,
    R_INVOKE_DEP_SLOT,
    R_INVOKE_FLAGS,
    R_INVOKE_INPUT_HASH,
    R_INVOKE_PRICE,
    R_INVOKE_PROVIDER,
    R_INVOKE_REVIEW_WINDOW,
    R_INVOKE_WORKFLOW_ID,
    R_INVOKE_WORKFLOW_SLOT
} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Accounts} from "./Accounts.sol";
import {Money} from "./Money.sol";
import {Sessions} from "./Sessions.sol";
import {Slots} from "./Slots.sol";
import {Calls} from "./Calls.sol";
import {Step} from "./Step.sol";

/// @title INVOKE: calls another agent and locks the price
library Invoke {
    uint256 private constant ALL_FLAGS = 31;

    /// What the checks of a call have found.
    struct Plan {
        uint256 flags;
        uint256 provider;
        uint256 deadline;
        uint256 price;
        Words workflow;
        Words session;
        uint256 sessionSlot;
    }

    function execute(Step memory step) internal pure returns (uint256) {
        Plan memory plan;
        uint256 failure = _check(step, plan);
        if (failure != OK) return failure;
        // IV-10
        if (plan.flags & INVOKE_FLAG_WORKFLOW == 0) {
            failure = Money.spend(step, plan.price);
            if (failure != OK) return failure;
        } else {
            plan.workflow.set(WORKFLOW_ESCROW, plan.workflow.get(WORKFLOW_ESCROW) - plan.price);
            plan.workflow.increment(WORKFLOW_ADDED);
        }
        if (plan.flags & INVOKE_FLAG_SESSION != 0) _continueSession(step, plan); // IV-11
        _create(step, plan); // IV-12
        return OK;
    }

    function _check(Step memory step, Plan memory plan) private pure returns (uint256) {
        Words record = step.record;
        uint256 flags = record.get(R_INVOKE_FLAGS);
        plan.flags = flags;
        if (!_isWellFormed(record, flags)) return E_MALFORMED; // IV-1
        if (flags & INVOKE_FLAG_REVIEW != 0) {
            if (flags & INVOKE_FLAG_WORKFLOW != 0) return E_POLICY; // IV-2
            uint256 window = record.get(R_INVOKE_REVIEW_WINDOW);
            if (window == 0 || window > MAX_REVIEW_SECONDS) return E_WINDOW; // IV-3
        }
        plan.provider = record.get(R_INVOKE_PROVIDER);
        if (!Accounts.exists(step, plan.provider)) return E_UNKNOWN_AGENT; // IV-4
        if (plan.provider == step.agent) return E_SELF;
        plan.deadline = record.get(R_INVOKE_DEADLINE);
        if (plan.deadline < step.l2Time || plan.deadline > step.l2Time + MAX_CALL_SECONDS) return E_DEADLINE; // IV-5
        step.allocator(); // IV-6
        if (Slots.isFull(step, KIND_INVOCATION)) return E_FULL;
        uint256 failure = _checkDependencies(step, record, flags); // IV-7
        if (failure != OK) return failure;
        plan.price = record.get(R_INVOKE_PRICE);
        if (flags & INVOKE_FLAG_WORKFLOW != 0) {
            failure = _checkWorkflow(step, plan); // IV-8
            if (failure != OK) return failure;
        }
        return flags & INVOKE_FLAG_SESSION != 0 ? _checkSession(step, plan) : OK; // IV-9
    }

    /// IV-1: fields of features that the flags do not name are zero.
    function _isWellFormed(Words record, uint256 flags) private pure returns (bool) {
        if (flags > ALL_FLAGS) return false;
        bool inSession = flags & INVOKE_FLAG_SESSION != 0;
        bool hasSecond = flags & INVOKE_FLAG_SECOND_DEPENDENCY != 0;
        if (inSession && hasSecond) return false;
        uint256 workflow = record.get(R_INVOKE_WORKFLOW_SLOT) | record.get(R_INVOKE_WORKFLOW_ID);
        if (flags & INVOKE_FLAG_WORKFLOW == 0 && workflow != 0) return false;
        uint256 dependency = record.get(R_INVOKE_DEP_SLOT) | record.get(R_INVOKE_DEP_ID);
        if (flags & INVOKE_FLAG_DEPENDENCY == 0 && dependency != 0) return false;
        uint256 auxSlot = record.get(R_INVOKE_AUX_SLOT);
        uint256 auxId = record.get(R_INVOKE_AUX_ID);
        if (!inSession && !hasSecond && (auxSlot | auxId) != 0) return false;
        if (flags & INVOKE_FLAG_REVIEW == 0 && record.get(R_INVOKE_REVIEW_WINDOW) != 0) return false;
        return !inSession || auxId != 0 || auxSlot == 0;
    }

    /// IV-7
    function _checkDependencies(Step memory step, Words record, uint256 flags) private pure returns (uint256 failure) {
        if (flags & INVOKE_FLAG_DEPENDENCY != 0) {
            failure = _checkDependency(step, record.get(R_INVOKE_DEP_SLOT), record.get(R_INVOKE_DEP_ID));
            if (failure != OK) return failure;
        }
        if (flags & INVOKE_FLAG_SECOND_DEPENDENCY != 0) {
            failure = _checkDependency(step, record.get(R_INVOKE_AUX_SLOT), record.get(R_INVOKE_AUX_ID));
        }
    }

    function _checkDependency(Step memory step, uint256 slot, uint256 id) private pure returns (uint256) {
        if (slot >= 1 << (2 * DEPTH_INVOCATION) || id == 0) return E_REFERENCE;
        if (id > step.allocator().get(ALLOCATOR_INVOCATION_NEXT_ID)) return E_DEP_UNKNOWN;
        Words call = step.touch(KIND_INVOCATION, slot);
        // Another id there: that call was settled.
        if (call.get(INVOCATION_ID) != id) return OK;
        uint256 status = call.get(INVOCATION_STATUS);
        if (status == INVOCATION_STATUS_OPEN) return E_DEP_PENDING;
        return status == INVOCATION_STATUS_FAILED ? E_DEP_FAILED : OK;
    }

    /// IV-8
    function _checkWorkflow(Step memory step, Plan memory plan) private pure returns (uint256) {
        (bool found, Words workflow) =
            Slots.find(step, KIND_WORKFLOW, step.record.get(R_INVOKE_WORKFLOW_SLOT), step.record.get(R_INVOKE_WORKFLOW_ID));
        if (!found) return E_REFERENCE;
        if (workflow.get(WORKFLOW_OWNER) != step.agent) return E_NOT_OWNER;
        if (workflow.get(WORKFLOW_STATUS) != WORKFLOW_STATUS_OPEN) return E_WORKFLOW_ENDED;
        if (workflow.get(WORKFLOW_ADDED) >= workflow.get(WORKFLOW_EXPECTED)) return E_WORKFLOW_STEPS;
        if (plan.deadline > workflow.get(WORKFLOW_DEADLINE)) return E_DEADLINE;
        if (plan.price > workflow.get(WORKFLOW_ESCROW)) return E_ESCROW;
        plan.workflow = workflow;
        return OK;
    }

    /// IV-9
    function _checkSession(Step memory step, Plan memory plan) private pure returns (uint256) {
        uint256 id = step.record.get(R_INVOKE_AUX_ID);
        if (id == 0) return Slots.isFull(step, KIND_SESSION) ? E_FULL : OK;
        plan.sessionSlot = step.record.get(R_INVOKE_AUX_SLOT);
        (bool found, Words session) = Slots.find(step, KIND_SESSION, plan.sessionSlot, id);
        if (!found) return E_REFERENCE;
        if (session.get(SESSION_REQUESTER) != step.agent) return E_NOT_PARTY;
        if (session.get(SESSION_PROVIDER) != plan.provider) return E_NOT_PARTY;
        plan.session = session;
        return OK;
    }

    /// IV-11
    function _continueSession(Step memory step, Plan memory plan) private pure {
        if (step.record.get(R_INVOKE_AUX_ID) == 0) {
            (plan.session, plan.sessionSlot,) = Slots.allocate(step, KIND_SESSION);
            plan.session.set(SESSION_REQUESTER, step.agent);
            plan.session.set(SESSION_PROVIDER, plan.provider);
        }
        Sessions.callMade(plan.session, step.record.get(R_INVOKE_INPUT_HASH));
    }

    /// IV-12
    function _create(Step memory step, Plan memory plan) private pure {
        Words record = step.record;
        (Words call, uint256 slot,) = Slots.allocate(step, KIND_INVOCATION);
        bool isReviewed = plan.flags & INVOKE_FLAG_REVIEW != 0;
        call.set(INVOCATION_REQUESTER, step.agent);
        call.set(INVOCATION_PROVIDER, plan.provider);
        call.set(INVOCATION_PRICE, plan.price);
        call.set(INVOCATION_DEADLINE, plan.deadline);
        call.set(INVOCATION_CAPABILITY, record.get(R_INVOKE_CAPABILITY));
        call.set(INVOCATION_STATUS, INVOCATION_STATUS_OPEN);
        call.set(INVOCATION_POLICY, isReviewed ? POLICY_ON_ACCEPTANCE : POLICY_ON_RESPONSE);
        call.set(INVOCATION_REVIEW_TIME, record.get(R_INVOKE_REVIEW_WINDOW));
        call.set(INVOCATION_WORKFLOW_SLOT, record.get(R_INVOKE_WORKFLOW_SLOT));
        call.set(INVOCATION_WORKFLOW_ID, record.get(R_INVOKE_WORKFLOW_ID));
        if (plan.flags & INVOKE_FLAG_SESSION != 0) {
            call.set(INVOCATION_SESSION_SLOT, plan.sessionSlot);
            call.set(INVOCATION_SESSION_ID, plan.session.get(SESSION_ID));
        }
        call.set(INVOCATION_INPUT_HASH, record.get(R_INVOKE_INPUT_HASH));
        step.agentLeaf.increment(AGENT_MADE);
        Calls.note(step, call, slot, SETTLEMENT_PENDING);
    }
}
