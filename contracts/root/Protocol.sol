// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

library Protocol {
    uint8 internal constant OP_DEPOSIT = 64;
    uint8 internal constant OP_LINK_AGENT = 65;
    uint8 internal constant OP_FORCED = 66;
    uint8 internal constant OP_SWEEP_FEES = 67;
    uint256 internal constant MAX_FORCED_SLOTS = 64;
    uint256 internal constant MAX_UNITS = 9007199254740991;
    uint256 internal constant SLOT_BYTES = 96;
    uint8 internal constant KIND_WITHDRAWAL = 9;
    uint256 internal constant DEPTH_WITHDRAWAL = 16;
}
