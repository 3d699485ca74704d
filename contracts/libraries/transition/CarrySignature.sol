// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OK} from "../../generated/Constants.sol";
import {REGISTER_SIGNATURE_R, REGISTER_SIGNATURE_VS} from "../../generated/LeafFields.sol";
import {R_SIGNATURE_SIGNATURE_R, R_SIGNATURE_SIGNATURE_VS} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Step} from "./Step.sol";

/// @title SIGNATURE: brings a signature for the records after it in the bundle
library CarrySignature {
    function execute(Step memory step) internal pure returns (uint256) {
        Words register = step.register(); // SG-1
        register.set(REGISTER_SIGNATURE_R, step.record.get(R_SIGNATURE_SIGNATURE_R));
        register.set(REGISTER_SIGNATURE_VS, step.record.get(R_SIGNATURE_SIGNATURE_VS));
        return OK;
    }
}
