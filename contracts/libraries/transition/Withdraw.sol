// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_ADDRESS, E_AMOUNT, E_FULL, E_OWNER_ONLY, OK, SIGNER_OWNER, WITHDRAWAL_CAUSE_WITHDRAW} from "../../generated/Constants.sol";
import {R_WITHDRAW_AMOUNT, R_WITHDRAW_RECIPIENT} from "../../generated/RecordFields.sol";
import {Money} from "./Money.sol";
import {Withdrawals} from "./Withdrawals.sol";
import {Step} from "./Step.sol";

/// @title WITHDRAW: takes units out of the chain, to be paid by the bridge
library Withdraw {
    function execute(Step memory step) internal pure returns (uint256) {
        if (step.signer != SIGNER_OWNER) return E_OWNER_ONLY; // WD-1
        uint256 recipient = step.record.get(R_WITHDRAW_RECIPIENT);
        if (recipient == 0) return E_ADDRESS; // WD-2
        uint256 amount = step.record.get(R_WITHDRAW_AMOUNT);
        if (amount == 0) return E_AMOUNT;
        if (Withdrawals.isFull(step)) return E_FULL; // WD-3
        uint256 failure = Money.spend(step, amount);
        if (failure != OK) return failure;
        step.id = Withdrawals.append(step, recipient, amount, step.agent, WITHDRAWAL_CAUSE_WITHDRAW);
        step.amount = amount;
        return OK;
    }
}
