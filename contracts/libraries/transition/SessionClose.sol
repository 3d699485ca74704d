// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_NOT_PARTY, E_REFERENCE, E_SESSION_BUSY, KIND_SESSION, OK} from "../../generated/Constants.sol";
import {SESSION_ID, SESSION_OUTSTANDING, SESSION_PROVIDER, SESSION_REQUESTER} from "../../generated/LeafFields.sol";
import {R_SESSION_CLOSE_ID, R_SESSION_CLOSE_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Slots} from "./Slots.sol";
import {Step} from "./Step.sol";

/// @title SESSION_CLOSE: either side frees a session that has no call outstanding
library SessionClose {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 slot = step.record.get(R_SESSION_CLOSE_SLOT);
        (bool found, Words session) = Slots.find(step, KIND_SESSION, slot, step.record.get(R_SESSION_CLOSE_ID)); // SC-1
        if (!found) return E_REFERENCE;
        if (session.get(SESSION_REQUESTER) != step.agent && session.get(SESSION_PROVIDER) != step.agent) return E_NOT_PARTY;
        if (session.get(SESSION_OUTSTANDING) != 0) return E_SESSION_BUSY; // SC-2
        (step.slot, step.id) = (slot, session.get(SESSION_ID));
        Slots.free(step, KIND_SESSION, session, slot);
        return OK;
    }
}
