// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Operator} from "../../interfaces/ISequencerSet.sol";
import {SettlementConfig} from "../../interfaces/ISettlement.sol";

/// Plays Settlement and SequencerSet to somebody who should not have trusted it: says what it is told to, reverts, burns all gas, or
/// answers with more than anybody wants to read.
contract TestLiar {
    enum Mode {
        TRUTHFUL,
        REVERTS,
        BURNS_GAS,
        BOMB
    }

    error Refused();

    Mode public mode;
    address private inbox;
    uint256 private work;
    uint64 private epochs;

    modifier misbehaves() {
        if (mode == Mode.REVERTS) revert Refused();
        if (mode == Mode.BURNS_GAS) while (true) {}
        if (mode == Mode.BOMB) {
            assembly ("memory-safe") {
                return(0, 1000000)
            }
        }
        _;
    }

    function setMode(Mode value) external {
        mode = value;
    }

    function setInbox(address value) external {
        inbox = value;
    }

    function setWork(uint256 value) external {
        work = value;
    }

    function setEpochs(uint64 value) external {
        epochs = value;
    }

    /// Settlement's and SequencerSet's have their inbox in the first word; the longer one serves for both.
    function config() external view misbehaves returns (SettlementConfig memory both) {
        both.inbox = inbox;
    }

    function latestConfirmed() external view misbehaves returns (bytes32, uint64, bytes32) {
        return (0, epochs, 0);
    }

    function workOf(address, uint64) external view misbehaves returns (uint256) {
        return work;
    }

    function operators(address) external view misbehaves returns (Operator memory) {}

    function lastBatchAt(address) external view misbehaves returns (uint64) {}

    function operatorCount() external view misbehaves returns (uint256) {}
}
