// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {StepEnv, StepProof} from "../../interfaces/IOneStepProver.sol";

/// Stands for the Inbox where only the length of the epochs matters.
contract TestEpochs {
    mapping(uint64 epoch => uint64 steps) private stepsOf;
    bytes32 public constant domainSeparator = bytes32(0);
    bool public constant isStopped = false;

    function setSteps(uint64 epoch, uint64 steps) external {
        stepsOf[epoch] = steps;
    }

    function epochTrace(uint64 epoch) external view returns (uint64) {
        return stepsOf[epoch];
    }

    function epochEnd(uint64 epoch) external pure returns (uint64) {
        return epoch + 1;
    }

    function epochAccumulator(uint64 epoch) external pure returns (bytes32) {
        return keccak256(abi.encode("epoch", epoch));
    }
}

/// Stands for the prover where the steps are made up: what follows a state is its hash.
contract TestProver {
    function proveStep(StepEnv calldata, bytes32 preState, StepProof calldata) external pure returns (bytes32) {
        return keccak256(abi.encode(preState));
    }
}
