// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_UNKNOWN_OP,
    FIRST_OPCODE,
    OK,
    OP_ACCEPT,
    OP_ADVERTISE,
    OP_CLAIM,
    OP_COMPOSE,
    OP_INVOKE,
    OP_OPEN_ACCOUNT,
    OP_REJECT,
    OP_RESPOND,
    OP_SESSION_CLOSE,
    OP_SET_SESSION_KEY,
    OP_TIMEOUT,
    OP_TRANSFER,
    OP_WITHDRAW,
    OP_WORKFLOW_OPEN
} from "../../generated/Constants.sol";
import {
    R_ACCEPT_PADDING_0,
    R_ACCEPT_PADDING_1,
    R_ACCEPT_PADDING_2,
    R_ADVERTISE_PADDING_0,
    R_ADVERTISE_PADDING_1,
    R_ADVERTISE_PADDING_2,
    R_CLAIM_PADDING_0,
    R_CLAIM_PADDING_1,
    R_CLAIM_PADDING_2,
    R_COMPOSE_PADDING_0,
    R_COMPOSE_PADDING_1,
    R_COMPOSE_PADDING_2,
    R_INVOKE_PADDING_0,
    R_INVOKE_PADDING_1,
    R_INVOKE_PADDING_2,
    R_OPEN_ACCOUNT_PADDING_0,
    R_OPEN_ACCOUNT_PADDING_1,
    R_OPEN_ACCOUNT_PADDING_2,
    R_REJECT_PADDING_0,
    R_REJECT_PADDING_1,
    R_REJECT_PADDING_2,
    R_RESPOND_PADDING_0,
    R_RESPOND_PADDING_1,
    R_RESPOND_PADDING_2,
    R_SESSION_CLOSE_PADDING_0,
    R_SESSION_CLOSE_PADDING_1,
    R_SESSION_CLOSE_PADDING_2,
    R_SET_SESSION_KEY_PADDING_0,
    R_SET_SESSION_KEY_PADDING_1,
    R_SET_SESSION_KEY_PADDING_2,
    R_TIMEOUT_PADDING_0,
    R_TIMEOUT_PADDING_1,
    R_TIMEOUT_PADDING_2,
    R_TRANSFER_PADDING_0,
    R_TRANSFER_PADDING_1,
    R_TRANSFER_PADDING_2,
    R_WITHDRAW_PADDING_0,
    R_WITHDRAW_PADDING_1,
    R_WITHDRAW_PADDING_2,
    R_WORKFLOW_OPEN_PADDING_0,
    R_WORKFLOW_OPEN_PADDING_1,
    R_WORKFLOW_OPEN_PADDING_2
} from "../../generated/RecordFields.sol";
import {Accept} from "./Accept.sol";
import {Advertise} from "./Advertise.sol";
import {Claim} from "./Claim.sol";
import {Compose} from "./Compose.sol";
import {Invoke} from "./Invoke.sol";
import {OpenAccount} from "./OpenAccount.sol";
import {RecordRules} from "./RecordRules.sol";
import {Reject} from "./Reject.sol";
import {Respond} from "./Respond.sol";
import {SessionClose} from "./SessionClose.sol";
import {SetSessionKey} from "./SetSessionKey.sol";
import {Step} from "./Step.sol";
import {Timeout} from "./Timeout.sol";
import {Transfer} from "./Transfer.sol";
import {Withdraw} from "./Withdraw.sol";
import {WorkflowOpen} from "./WorkflowOpen.sol";

/// @title Records of a bundle, but for those of channels, which `ChannelRecord` executes (R-1 to R-4)
library Record {
    /// Executes the record of the acting agent and writes its receipt (M-8).
    function execute(Step memory step) internal pure {
        uint256 op = RecordRules.begin(step);
        uint256 outcome = E_UNKNOWN_OP;
        if (op >= FIRST_OPCODE && op <= OP_SESSION_CLOSE) {
            // R-2
            (uint256 w0, uint256 w1, uint256 w2) = _paddingOf(op);
            outcome = RecordRules.check(step, op, w0, w1, w2);
            if (outcome == OK) outcome = _dispatch(step, op);
        }
        step.writeReceipt(op, outcome, false); // RC-1
    }

    function _dispatch(Step memory step, uint256 op) private pure returns (uint256) {
        if (op == OP_OPEN_ACCOUNT) return OpenAccount.execute(step);
        if (op == OP_TRANSFER) return Transfer.execute(step);
        if (op == OP_INVOKE) return Invoke.execute(step);
        if (op == OP_RESPOND) return Respond.execute(step);
        if (op == OP_ACCEPT) return Accept.execute(step);
        if (op == OP_REJECT) return Reject.execute(step);
        if (op == OP_TIMEOUT) return Timeout.execute(step);
        if (op == OP_WORKFLOW_OPEN) return WorkflowOpen.execute(step);
        if (op == OP_COMPOSE) return Compose.execute(step);
        if (op == OP_CLAIM) return Claim.execute(step);
        if (op == OP_WITHDRAW) return Withdraw.execute(step);
        if (op == OP_SET_SESSION_KEY) return SetSessionKey.execute(step);
        if (op == OP_ADVERTISE) return Advertise.execute(step);
        return SessionClose.execute(step);
    }

    /// The bits of each word that belong to no field.
    function _paddingOf(uint256 op) private pure returns (uint256, uint256, uint256) {
        if (op == OP_OPEN_ACCOUNT) return (R_OPEN_ACCOUNT_PADDING_0, R_OPEN_ACCOUNT_PADDING_1, R_OPEN_ACCOUNT_PADDING_2);
        if (op == OP_TRANSFER) return (R_TRANSFER_PADDING_0, R_TRANSFER_PADDING_1, R_TRANSFER_PADDING_2);
        if (op == OP_INVOKE) return (R_INVOKE_PADDING_0, R_INVOKE_PADDING_1, R_INVOKE_PADDING_2);
        if (op == OP_RESPOND) return (R_RESPOND_PADDING_0, R_RESPOND_PADDING_1, R_RESPOND_PADDING_2);
        if (op == OP_ACCEPT) return (R_ACCEPT_PADDING_0, R_ACCEPT_PADDING_1, R_ACCEPT_PADDING_2);
        if (op == OP_REJECT) return (R_REJECT_PADDING_0, R_REJECT_PADDING_1, R_REJECT_PADDING_2);
        if (op == OP_TIMEOUT) return (R_TIMEOUT_PADDING_0, R_TIMEOUT_PADDING_1, R_TIMEOUT_PADDING_2);
        if (op == OP_WORKFLOW_OPEN) return (R_WORKFLOW_OPEN_PADDING_0, R_WORKFLOW_OPEN_PADDING_1, R_WORKFLOW_OPEN_PADDING_2);
        if (op == OP_COMPOSE) return (R_COMPOSE_PADDING_0, R_COMPOSE_PADDING_1, R_COMPOSE_PADDING_2);
        if (op == OP_CLAIM) return (R_CLAIM_PADDING_0, R_CLAIM_PADDING_1, R_CLAIM_PADDING_2);
        if (op == OP_WITHDRAW) return (R_WITHDRAW_PADDING_0, R_WITHDRAW_PADDING_1, R_WITHDRAW_PADDING_2);
        if (op == OP_SET_SESSION_KEY) return (R_SET_SESSION_KEY_PADDING_0, R_SET_SESSION_KEY_PADDING_1, R_SET_SESSION_KEY_PADDING_2);
        if (op == OP_ADVERTISE) return (R_ADVERTISE_PADDING_0, R_ADVERTISE_PADDING_1, R_ADVERTISE_PADDING_2);
        return (R_SESSION_CLOSE_PADDING_0, R_SESSION_CLOSE_PADDING_1, R_SESSION_CLOSE_PADDING_2);
    }
}
