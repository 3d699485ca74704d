// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_DIRECTORY, OK} from "../../generated/Constants.sol";
import {DIRECTORY_CAPABILITIES_HASH, DIRECTORY_PRICES_HASH} from "../../generated/LeafFields.sol";
import {R_ADVERTISE_CAPABILITIES_HASH, R_ADVERTISE_PRICES_HASH} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Step} from "./Step.sol";

/// @title ADVERTISE: says what the agent can do and at which prices, by hash
library Advertise {
    function execute(Step memory step) internal pure returns (uint256) {
        Words entry = step.touch(KIND_DIRECTORY, step.agent); // AD-1
        entry.set(DIRECTORY_CAPABILITIES_HASH, step.record.get(R_ADVERTISE_CAPABILITIES_HASH));
        entry.set(DIRECTORY_PRICES_HASH, step.record.get(R_ADVERTISE_PRICES_HASH));
        return OK;
    }
}
