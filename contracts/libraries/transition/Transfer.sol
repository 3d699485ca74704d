// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_SELF, E_UNKNOWN_AGENT, KIND_AGENT, OK} from "../../generated/Constants.sol";
import {R_TRANSFER_AMOUNT, R_TRANSFER_TO} from "../../generated/RecordFields.sol";
import {Accounts} from "./Accounts.sol";
import {Money} from "./Money.sol";
import {Step} from "./Step.sol";

/// @title TRANSFER: moves units to another agent
library Transfer {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 to = step.record.get(R_TRANSFER_TO);
        if (!Accounts.exists(step, to)) return E_UNKNOWN_AGENT; // TR-1
        if (to == step.agent) return E_SELF; // TR-2
        uint256 amount = step.record.get(R_TRANSFER_AMOUNT);
        uint256 failure = Money.spend(step, amount); // TR-3
        if (failure != OK) return failure;
        Money.credit(step.touch(KIND_AGENT, to), amount);
        (step.slot, step.amount) = (to, amount);
        return OK;
    }
}
