// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    OK,
    OP_CHANNEL_CHALLENGE,
    OP_CHANNEL_CLOSE,
    OP_CHANNEL_EXPORT,
    OP_CHANNEL_FUND,
    OP_CHANNEL_GRANT,
    OP_CHANNEL_OPEN,
    OP_CHANNEL_UPDATE
} from "../../generated/Constants.sol";
import {
    R_CHANNEL_CHALLENGE_PADDING_0,
    R_CHANNEL_CHALLENGE_PADDING_1,
    R_CHANNEL_CHALLENGE_PADDING_2,
    R_CHANNEL_CLOSE_PADDING_0,
    R_CHANNEL_CLOSE_PADDING_1,
    R_CHANNEL_CLOSE_PADDING_2,
    R_CHANNEL_EXPORT_PADDING_0,
    R_CHANNEL_EXPORT_PADDING_1,
    R_CHANNEL_EXPORT_PADDING_2,
    R_CHANNEL_FUND_PADDING_0,
    R_CHANNEL_FUND_PADDING_1,
    R_CHANNEL_FUND_PADDING_2,
    R_CHANNEL_GRANT_PADDING_0,
    R_CHANNEL_GRANT_PADDING_1,
    R_CHANNEL_GRANT_PADDING_2,
    R_CHANNEL_OPEN_PADDING_0,
    R_CHANNEL_OPEN_PADDING_1,
    R_CHANNEL_OPEN_PADDING_2,
    R_CHANNEL_UPDATE_PADDING_0,
    R_CHANNEL_UPDATE_PADDING_1,
    R_CHANNEL_UPDATE_PADDING_2,
    R_SIGNATURE_PADDING_0,
    R_SIGNATURE_PADDING_1,
    R_SIGNATURE_PADDING_2
} from "../../generated/RecordFields.sol";
import {CarrySignature} from "./CarrySignature.sol";
import {ChannelChallenge} from "./ChannelChallenge.sol";
import {ChannelClose} from "./ChannelClose.sol";
import {ChannelExport} from "./ChannelExport.sol";
import {ChannelFund} from "./ChannelFund.sol";
import {ChannelGrant} from "./ChannelGrant.sol";
import {ChannelOpen} from "./ChannelOpen.sol";
import {ChannelUpdate} from "./ChannelUpdate.sol";
import {RecordRules} from "./RecordRules.sol";
import {Step} from "./Step.sol";

/// @title Records of channels (R-1 to R-4), as `Record` executes all others
library ChannelRecord {
    /// Executes the record of the acting agent and writes its receipt (M-8). Its opcode is one of a channel's: `isOnChannel`.
    function execute(Step memory step) internal pure {
        uint256 op = RecordRules.begin(step);
        (uint256 w0, uint256 w1, uint256 w2) = _paddingOf(op);
        uint256 outcome = RecordRules.check(step, op, w0, w1, w2);
        if (outcome == OK) outcome = _dispatch(step, op);
        step.writeReceipt(op, outcome, false); // RC-1
    }

    function _dispatch(Step memory step, uint256 op) private pure returns (uint256) {
        if (op == OP_CHANNEL_OPEN) return ChannelOpen.execute(step);
        if (op == OP_CHANNEL_FUND) return ChannelFund.execute(step);
        if (op == OP_CHANNEL_CLOSE) return ChannelClose.execute(step);
        if (op == OP_CHANNEL_CHALLENGE) return ChannelChallenge.execute(step);
        if (op == OP_CHANNEL_UPDATE) return ChannelUpdate.execute(step);
        if (op == OP_CHANNEL_GRANT) return ChannelGrant.execute(step);
        if (op == OP_CHANNEL_EXPORT) return ChannelExport.execute(step);
        return CarrySignature.execute(step);
    }

    /// The bits of each word that belong to no field.
    function _paddingOf(uint256 op) private pure returns (uint256, uint256, uint256) {
        if (op == OP_CHANNEL_OPEN) return (R_CHANNEL_OPEN_PADDING_0, R_CHANNEL_OPEN_PADDING_1, R_CHANNEL_OPEN_PADDING_2);
        if (op == OP_CHANNEL_FUND) return (R_CHANNEL_FUND_PADDING_0, R_CHANNEL_FUND_PADDING_1, R_CHANNEL_FUND_PADDING_2);
        if (op == OP_CHANNEL_CLOSE) return (R_CHANNEL_CLOSE_PADDING_0, R_CHANNEL_CLOSE_PADDING_1, R_CHANNEL_CLOSE_PADDING_2);
        if (op == OP_CHANNEL_CHALLENGE) return (R_CHANNEL_CHALLENGE_PADDING_0, R_CHANNEL_CHALLENGE_PADDING_1, R_CHANNEL_CHALLENGE_PADDING_2);
        if (op == OP_CHANNEL_UPDATE) return (R_CHANNEL_UPDATE_PADDING_0, R_CHANNEL_UPDATE_PADDING_1, R_CHANNEL_UPDATE_PADDING_2);
        if (op == OP_CHANNEL_GRANT) return (R_CHANNEL_GRANT_PADDING_0, R_CHANNEL_GRANT_PADDING_1, R_CHANNEL_GRANT_PADDING_2);
        if (op == OP_CHANNEL_EXPORT) return (R_CHANNEL_EXPORT_PADDING_0, R_CHANNEL_EXPORT_PADDING_1, R_CHANNEL_EXPORT_PADDING_2);
        return (R_SIGNATURE_PADDING_0, R_SIGNATURE_PADDING_1, R_SIGNATURE_PADDING_2);
    }
}
