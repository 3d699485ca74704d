// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_ADDRESS, E_AMOUNT, E_UNKNOWN_AGENT, KIND_AGENT, MAX_UNITS, OK} from "../../generated/Constants.sol";
import {AGENT_LINKED_ID, DIRECTORY_OWNER} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {L1Entry} from "../../interfaces/IOneStepProver.sol";
import {Step} from "./Step.sol";

/// @title LINK_AGENT: ties the sender's account to its ERC-8004 id
library LinkAgent {
    function execute(Step memory step, L1Entry calldata entry) internal pure returns (uint256) {
        if (entry.value >= MAX_UNITS) return E_AMOUNT; // EN-3
        if (entry.sender == address(0)) return E_ADDRESS;
        (Words low, uint256 index) = step.touchLow(entry.sender);
        if (low.get(DIRECTORY_OWNER) != uint160(entry.sender)) return E_UNKNOWN_AGENT;
        step.touch(KIND_AGENT, index).set(AGENT_LINKED_ID, uint256(entry.value) + 1);
        step.agent = index;
        return OK;
    }
}
