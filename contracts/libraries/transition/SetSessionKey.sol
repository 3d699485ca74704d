// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_OWNER_ONLY, MAX_UNITS, OK, SIGNER_OWNER} from "../../generated/Constants.sol";
import {AGENT_SESSION_CAP, AGENT_SESSION_EXPIRY, AGENT_SESSION_KEY} from "../../generated/LeafFields.sol";
import {R_SET_SESSION_KEY_CAP, R_SET_SESSION_KEY_EXPIRY, R_SET_SESSION_KEY_KEY} from "../../generated/RecordFields.sol";
import {Step} from "./Step.sol";

/// @title SET_SESSION_KEY: lets another key sign for the account, up to an amount and a time
library SetSessionKey {
    function execute(Step memory step) internal pure returns (uint256) {
        if (step.signer != SIGNER_OWNER) return E_OWNER_ONLY; // SK-1
        uint256 key = step.record.get(R_SET_SESSION_KEY_KEY); // SK-2
        uint256 cap = step.record.get(R_SET_SESSION_KEY_CAP);
        step.agentLeaf.set(AGENT_SESSION_KEY, key);
        step.agentLeaf.set(AGENT_SESSION_EXPIRY, key == 0 ? 0 : step.record.get(R_SET_SESSION_KEY_EXPIRY));
        step.agentLeaf.set(AGENT_SESSION_CAP, key == 0 ? 0 : cap > MAX_UNITS ? MAX_UNITS : cap);
        return OK;
    }
}
