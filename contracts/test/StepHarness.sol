// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OneStepProver} from "../root/OneStepProver.sol";

/// @title For tests: the prover together with the part of an inbox that it reads
contract StepHarness is OneStepProver {
    mapping(uint64 index => bytes32) public batchHash;
    mapping(uint64 index => bytes32) public entryHash;

    function setBatchHash(uint64 index, bytes32 hash) external {
        batchHash[index] = hash;
    }

    function setEntryHash(uint64 index, bytes32 hash) external {
        entryHash[index] = hash;
    }
}
