// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_ADDRESS, E_EXISTS, E_FULL, OK} from "../../generated/Constants.sol";
import {DIRECTORY_OWNER} from "../../generated/LeafFields.sol";
import {R_OPEN_ACCOUNT_AMOUNT, R_OPEN_ACCOUNT_OWNER} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Accounts} from "./Accounts.sol";
import {Money} from "./Money.sol";
import {Step} from "./Step.sol";

/// @title OPEN_ACCOUNT: opens an account for another address and funds it
library OpenAccount {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 owner = step.record.get(R_OPEN_ACCOUNT_OWNER);
        if (owner == 0) return E_ADDRESS; // OA-1
        (Words low,) = step.touchLow(address(uint160(owner))); // OA-2
        if (low.get(DIRECTORY_OWNER) == owner) return E_EXISTS;
        if (Accounts.isFull(step)) return E_FULL; // OA-3
        uint256 amount = step.record.get(R_OPEN_ACCOUNT_AMOUNT);
        uint256 failure = Money.spend(step, amount); // OA-4
        if (failure != OK) return failure;
        step.slot = Accounts.create(step, low, owner, amount); // OA-5
        step.amount = amount;
        return OK;
    }
}
