// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISequencerAuth} from "../../interfaces/ISequencerAuth.sol";

/// Lets exactly the accounts submit that it was told about, and remembers the last batch it was asked about.
contract TestSequencerAuth is ISequencerAuth {
    mapping(address account => bool) public isSequencer;
    uint64 public lastBatch;

    function set(address account, bool allowed) external {
        isSequencer[account] = allowed;
    }

    function onBatch(address submitter, uint64 batchIndex) external returns (bool) {
        lastBatch = batchIndex;
        return isSequencer[submitter];
    }
}
