// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DEPTH_WITHDRAWAL, KIND_WITHDRAWAL} from "../../generated/Constants.sol";
import {
    MACHINE_BATCH_INDEX,
    MACHINE_WITHDRAWAL_COUNT,
    WITHDRAWAL_AGENT,
    WITHDRAWAL_AMOUNT,
    WITHDRAWAL_BATCH_INDEX,
    WITHDRAWAL_CAUSE,
    WITHDRAWAL_L2_TIME,
    WITHDRAWAL_RECIPIENT
} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Step} from "./Step.sol";

/// @title The append-only list of withdrawals (WD-3)
library Withdrawals {
    function isFull(Step memory step) internal pure returns (bool) {
        return step.machine.get(MACHINE_WITHDRAWAL_COUNT) >= 1 << (2 * DEPTH_WITHDRAWAL);
    }

    function append(Step memory step, uint256 recipient, uint256 amount, uint256 agent, uint256 cause)
        internal
        pure
        returns (uint256 index)
    {
        index = step.machine.get(MACHINE_WITHDRAWAL_COUNT);
        Words withdrawal = step.touch(KIND_WITHDRAWAL, index);
        withdrawal.set(WITHDRAWAL_RECIPIENT, recipient);
        withdrawal.set(WITHDRAWAL_AMOUNT, amount);
        withdrawal.set(WITHDRAWAL_L2_TIME, step.l2Time);
        withdrawal.set(WITHDRAWAL_AGENT, agent);
        withdrawal.set(WITHDRAWAL_BATCH_INDEX, step.machine.get(MACHINE_BATCH_INDEX));
        withdrawal.set(WITHDRAWAL_CAUSE, cause);
        step.machine.set(MACHINE_WITHDRAWAL_COUNT, index + 1);
    }
}
