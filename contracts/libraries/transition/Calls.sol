// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_INVOCATION} from "../../generated/Constants.sol";
import {
    INVOCATION_CAPABILITY,
    INVOCATION_ID,
    INVOCATION_INPUT_HASH,
    INVOCATION_OUTPUT_HASH,
    INVOCATION_PRICE,
    INVOCATION_PROVIDER,
    INVOCATION_REQUESTER,
    INVOCATION_WORKFLOW_ID
} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Sessions} from "./Sessions.sol";
import {Slots} from "./Slots.sol";
import {Step} from "./Step.sol";

/// @title What operations on a call have in common
library Calls {
    /// RC-1: what the receipt says of a call; before the leaf is freed.
    function note(Step memory step, Words call, uint256 slot, uint256 settlement) internal pure {
        step.settlement = settlement;
        step.slot = slot;
        step.id = call.get(INVOCATION_ID);
        step.amount = call.get(INVOCATION_PRICE);
        step.requester = call.get(INVOCATION_REQUESTER);
        step.provider = call.get(INVOCATION_PROVIDER);
        step.capability = call.get(INVOCATION_CAPABILITY);
        step.inputHash = call.get(INVOCATION_INPUT_HASH);
        step.outputHash = call.get(INVOCATION_OUTPUT_HASH);
    }

    function isStep(Words call) internal pure returns (bool) {
        return call.get(INVOCATION_WORKFLOW_ID) != 0;
    }

    /// The session ends with the call, then the slot is free.
    function close(Step memory step, Words call, bool isPaid) internal pure {
        Sessions.ended(step, call, isPaid);
        Slots.free(step, KIND_INVOCATION, call, step.slot);
    }
}
