// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_ADDRESS, E_AMOUNT, E_FULL, KIND_AGENT, OK, WITHDRAWAL_CAUSE_BOUNCED_DEPOSIT} from "../../generated/Constants.sol";
import {DIRECTORY_OWNER, MACHINE_FEE_BALANCE} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Accounts} from "./Accounts.sol";
import {Money} from "./Money.sol";
import {Withdrawals} from "./Withdrawals.sol";
import {L1Entry} from "../../interfaces/IOneStepProver.sol";
import {Step} from "./Step.sol";

/// @title DEPOSIT: credits the account of an address, which is opened if it is new
library Deposit {
    function execute(Step memory step, L1Entry calldata entry) internal pure returns (uint256) {
        if (entry.value == 0) return E_AMOUNT; // EN-1
        if (entry.account == address(0)) return _bounce(step, entry, E_ADDRESS);
        (Words low, uint256 index) = step.touchLow(entry.account);
        uint256 owner = uint160(entry.account);
        if (low.get(DIRECTORY_OWNER) == owner) {
            Money.credit(step.touch(KIND_AGENT, index), entry.value);
            step.agent = index;
        } else if (Accounts.isFull(step)) {
            return _bounce(step, entry, E_FULL);
        } else {
            step.agent = Accounts.create(step, low, owner, entry.value);
        }
        step.amount = entry.value;
        return OK;
    }

    /// EN-2: sends the money back, or keeps it as a fee where that is impossible.
    function _bounce(Step memory step, L1Entry calldata entry, uint256 failure) private pure returns (uint256) {
        if (entry.sender == address(0) || Withdrawals.isFull(step)) {
            step.machine.set(MACHINE_FEE_BALANCE, step.machine.get(MACHINE_FEE_BALANCE) + entry.value);
        } else {
            Withdrawals.append(step, uint160(entry.sender), entry.value, 0, WITHDRAWAL_CAUSE_BOUNCED_DEPOSIT);
        }
        return failure;
    }
}
