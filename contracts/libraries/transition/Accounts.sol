// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DEPTH_AGENT, KIND_AGENT, KIND_DIRECTORY} from "../../generated/Constants.sol";
import {
    AGENT_BALANCE,
    AGENT_OWNER,
    DIRECTORY_NEXT_INDEX,
    DIRECTORY_NEXT_OWNER,
    DIRECTORY_OWNER,
    MACHINE_AGENT_COUNT
} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Step} from "./Step.sol";

/// @title The directory of addresses (OA-2, OA-5)
library Accounts {
    /// OA-5: the next account, linked in after `low`.
    function create(Step memory step, Words low, uint256 owner, uint256 balance) internal pure returns (uint256 index) {
        index = step.machine.get(MACHINE_AGENT_COUNT) + 1;
        Words entry = step.touch(KIND_DIRECTORY, index);
        entry.set(DIRECTORY_OWNER, owner);
        entry.set(DIRECTORY_NEXT_INDEX, low.get(DIRECTORY_NEXT_INDEX));
        entry.set(DIRECTORY_NEXT_OWNER, low.get(DIRECTORY_NEXT_OWNER));
        low.set(DIRECTORY_NEXT_INDEX, index);
        low.set(DIRECTORY_NEXT_OWNER, owner);
        Words agent = step.touch(KIND_AGENT, index);
        agent.set(AGENT_OWNER, owner);
        agent.set(AGENT_BALANCE, balance);
        step.machine.set(MACHINE_AGENT_COUNT, index);
    }

    /// OA-3
    function isFull(Step memory step) internal pure returns (bool) {
        return step.machine.get(MACHINE_AGENT_COUNT) >= (1 << (2 * DEPTH_AGENT)) - 1;
    }

    /// True if there is an account with that index.
    function exists(Step memory step, uint256 index) internal pure returns (bool) {
        return index != 0 && index <= step.machine.get(MACHINE_AGENT_COUNT);
    }
}
