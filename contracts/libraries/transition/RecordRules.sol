// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_MALFORMED, FIRST_OPCODE, KIND_AGENT, OK, OP_CHANNEL_OPEN, OP_SIGNATURE} from "../../generated/Constants.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Step} from "./Step.sol";

// Every record starts with its opcode; the whole words of a record. Location as in `types/Words.sol`.
uint256 constant OP_FIELD = (248 << 12) | 8;
uint256 constant WORD_0 = 256;
uint256 constant WORD_1 = (32 << 24) | 256;
uint256 constant WORD_2 = (64 << 24) | 256;

/// @title What holds for every record (R-1 to R-4)
library RecordRules {
    /// True for the operations on channels, and what they are signed with.
    function isOnChannel(Words record) internal pure returns (bool) {
        uint256 op = record.get(OP_FIELD);
        return op >= OP_CHANNEL_OPEN && op <= OP_SIGNATURE;
    }

    /// R-1; returns the opcode.
    function begin(Step memory step) internal pure returns (uint256) {
        step.agentLeaf = step.touch(KIND_AGENT, step.agent);
        return step.record.get(OP_FIELD);
    }

    /// R-3, then R-4: the bits of each word that belong to no field of the record are zero.
    function check(Step memory step, uint256 op, uint256 w0, uint256 w1, uint256 w2) internal pure returns (uint256) {
        uint256 failure = Money.chargeFee(step, _fee(step, op - FIRST_OPCODE));
        if (failure != OK) return failure;
        Words record = step.record;
        bool isClean = record.get(WORD_0) & w0 == 0 && record.get(WORD_1) & w1 == 0 && record.get(WORD_2) & w2 == 0;
        return isClean ? OK : E_MALFORMED;
    }

    /// Eight fees a word, the first in the most significant bits.
    function _fee(Step memory step, uint256 place) private pure returns (uint256) {
        return uint32(step.feeTable[place >> 3] >> (32 * (7 - (place & 7))));
    }
}
