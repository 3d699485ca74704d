// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_IN_WORKFLOW,
    E_MALFORMED,
    E_NOT_ANSWERED,
    E_NOT_REQUESTER,
    E_REFERENCE,
    INVOCATION_STATUS_ANSWERED,
    KIND_INVOCATION,
    MAX_RATING,
    OK
} from "../../generated/Constants.sol";
import {AGENT_RATING_COUNT, AGENT_RATING_SUM, INVOCATION_REQUESTER, INVOCATION_STATUS} from "../../generated/LeafFields.sol";
import {R_ACCEPT_ID, R_ACCEPT_RATING, R_ACCEPT_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Slots} from "./Slots.sol";
import {Calls} from "./Calls.sol";
import {Step} from "./Step.sol";

/// @title What ACCEPT and REJECT have in common (AC-1 to AC-4, AC-7)
library Review {
    // Both records have the fields of ACCEPT.
    function check(Step memory step) internal pure returns (uint256, Words call) {
        if (step.record.get(R_ACCEPT_RATING) > MAX_RATING) return (E_MALFORMED, call); // AC-1
        bool found;
        (found, call) = Slots.find(step, KIND_INVOCATION, step.record.get(R_ACCEPT_SLOT), step.record.get(R_ACCEPT_ID)); // AC-2
        if (!found) return (E_REFERENCE, call);
        if (call.get(INVOCATION_REQUESTER) != step.agent) return (E_NOT_REQUESTER, call);
        if (Calls.isStep(call)) return (E_IN_WORKFLOW, call); // AC-3
        if (call.get(INVOCATION_STATUS) != INVOCATION_STATUS_ANSWERED) return (E_NOT_ANSWERED, call); // AC-4
        return (OK, call);
    }

    /// AC-7
    function rate(Step memory step, Words provider) internal pure {
        uint256 rating = step.record.get(R_ACCEPT_RATING);
        if (rating == 0) return;
        provider.increment(AGENT_RATING_COUNT);
        provider.set(AGENT_RATING_SUM, provider.get(AGENT_RATING_SUM) + rating);
    }
}
