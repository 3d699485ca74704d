// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_SYSTEM, LEAF_MACHINE, SOURCE_FORCED} from "../generated/Constants.sol";
import {MACHINE_BATCH_INDEX, MACHINE_INBOX_CURSOR, MACHINE_L2_TIME, MACHINE_SOURCE} from "../generated/LeafFields.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {BatchMeta, IOneStepProver, L1Entry, StepEnv, StepProof} from "../interfaces/IOneStepProver.sol";
import {EntryHash} from "../libraries/EntryHash.sol";
import {SlotReader} from "../libraries/SlotReader.sol";
import {Step} from "../libraries/transition/Step.sol";
import {Words} from "../types/Words.sol";

/// How a step begins, and what it reads of L1.
abstract contract ProverBase is IOneStepProver {
    /// Every step names MACHINE first.
    function _begin(StepEnv calldata env, StepProof calldata proof) internal pure returns (Step memory step) {
        step.leaves = proof.leaves;
        step.work = new Words[](proof.leaves.length);
        step.feeTable = env.feeTable;
        step.machine = step.touch(KIND_SYSTEM, LEAF_MACHINE);
        step.l2Time = step.machine.get(MACHINE_L2_TIME);
    }

    function _readSlot(Step memory step, StepEnv calldata env, StepProof calldata proof, uint256 index) internal view {
        if (step.machine.get(MACHINE_SOURCE) == SOURCE_FORCED) {
            _checkEntry(step, env, proof.entry);
            step.record = SlotReader.read(proof.slot, index, proof.entry.slots, proof.entry.dataRoot);
        } else {
            _checkBatch(step, env, proof.batch);
            step.record = SlotReader.read(proof.slot, index, proof.batch.slots, proof.batch.dataRoot);
        }
    }

    function _checkBatch(Step memory step, StepEnv calldata env, BatchMeta calldata batch) internal view {
        uint64 index = uint64(step.machine.get(MACHINE_BATCH_INDEX));
        bytes32 expected = IInbox(env.inbox).batchHash(index);
        bytes32 given = keccak256(abi.encode(batch.l2Time, batch.queueEnd, batch.slots, batch.dataRoot)); // B-2
        if (given != expected) revert BadBatch(index, given, expected);
    }

    function _checkEntry(Step memory step, StepEnv calldata env, L1Entry calldata entry) internal view {
        uint64 index = uint64(step.machine.get(MACHINE_INBOX_CURSOR));
        bytes32 expected = IInbox(env.inbox).entryHash(index);
        bytes32 given = EntryHash.compute( // B-3
            entry.kind, entry.sender, entry.account, entry.value, entry.slots, entry.dataRoot, entry.dueTime
        );
        if (given != expected) revert BadEntry(index, given, expected);
    }
}
