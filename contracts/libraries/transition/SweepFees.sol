// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_ADDRESS, E_AMOUNT, E_FULL, OK, WITHDRAWAL_CAUSE_FEES} from "../../generated/Constants.sol";
import {MACHINE_FEE_BALANCE} from "../../generated/LeafFields.sol";
import {Withdrawals} from "./Withdrawals.sol";
import {L1Entry} from "../../interfaces/IOneStepProver.sol";
import {Step} from "./Step.sol";

/// @title SWEEP_FEES: withdraws all fees to an account on L1
library SweepFees {
    function execute(Step memory step, L1Entry calldata entry) internal pure returns (uint256) {
        if (entry.account == address(0)) return E_ADDRESS; // EN-4
        uint256 fees = step.machine.get(MACHINE_FEE_BALANCE);
        if (fees == 0) return E_AMOUNT;
        if (Withdrawals.isFull(step)) return E_FULL;
        Withdrawals.append(step, uint160(entry.account), fees, 0, WITHDRAWAL_CAUSE_FEES);
        step.machine.set(MACHINE_FEE_BALANCE, 0);
        step.amount = fees;
        return OK;
    }
}
