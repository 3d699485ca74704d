// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    KIND_SYSTEM,
    LEAF_MACHINE,
    PHASE_ABSORB,
    PHASE_EXEC,
    PHASE_IDLE,
    PHASE_INBOX,
    PHASE_SLOTS,
    PHASE_VERIFY,
    SOURCE_FORCED
} from "../generated/Constants.sol";
import {
    MACHINE_BATCH_INDEX,
    MACHINE_CURSOR,
    MACHINE_INBOX_CURSOR,
    MACHINE_L2_TIME,
    MACHINE_PHASE,
    MACHINE_SOURCE,
    REGISTER_INDEX
} from "../generated/LeafFields.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {BatchMeta, IOneStepProver, L1Entry, StepEnv, StepProof} from "../interfaces/IOneStepProver.sol";
import {EntryHash} from "../libraries/EntryHash.sol";
import {SlotReader} from "../libraries/SlotReader.sol";
import {Machine} from "../libraries/transition/Machine.sol";
import {Step} from "../libraries/transition/Step.sol";
import {Words} from "../types/Words.sol";

/// @title The normative transition, one step at a time
/// @notice Stateless: one prover serves every chain. The rules run on the leaves as the proof gives them, in the order in which they
/// name them; then every leaf is proven and written in turn. Anything untrue in the proof reverts there at the latest.
contract OneStepProver is IOneStepProver {
    /// @inheritdoc IOneStepProver
    function proveStep(StepEnv calldata env, bytes32 preState, StepProof calldata proof) external view returns (bytes32) {
        Step memory step;
        step.leaves = proof.leaves;
        step.work = new Words[](proof.leaves.length);
        step.feeTable = env.feeTable;
        step.machine = step.touch(KIND_SYSTEM, LEAF_MACHINE);
        step.l2Time = step.machine.get(MACHINE_L2_TIME);

        uint256 phase = step.machine.get(MACHINE_PHASE);
        if (phase == PHASE_IDLE) {
            _takeBatch(step, env, proof);
        } else if (phase == PHASE_INBOX) {
            _checkEntry(step, env, proof.entry);
            Machine.takeEntry(step, proof.entry);
        } else if (phase == PHASE_VERIFY) {
            Machine.verify(step, step.register(), env.domainSeparator);
        } else if (phase == PHASE_SLOTS) {
            _readSlot(step, env, proof, step.machine.get(MACHINE_CURSOR));
            Machine.readHeader(step);
        } else if (phase == PHASE_ABSORB || phase == PHASE_EXEC) {
            Words register = step.register();
            _readSlot(step, env, proof, step.machine.get(MACHINE_CURSOR) + 1 + register.get(REGISTER_INDEX));
            if (phase == PHASE_ABSORB) Machine.absorb(step, register);
            else Machine.execute(step, register);
        } else {
            revert BadPhase(phase);
        }
        return step.commit(preState);
    }

    function _takeBatch(Step memory step, StepEnv calldata env, StepProof calldata proof) private view {
        if (step.machine.get(MACHINE_BATCH_INDEX) >= env.batchEnd) return; // M-1
        _checkBatch(step, env, proof.batch);
        step.l2Time = proof.batch.l2Time;
        Machine.beginBatch(step, proof.batch); // M-2
    }

    function _readSlot(Step memory step, StepEnv calldata env, StepProof calldata proof, uint256 index) private view {
        if (step.machine.get(MACHINE_SOURCE) == SOURCE_FORCED) {
            _checkEntry(step, env, proof.entry);
            step.record = SlotReader.read(proof.slot, index, proof.entry.slots, proof.entry.dataRoot);
        } else {
            _checkBatch(step, env, proof.batch);
            step.record = SlotReader.read(proof.slot, index, proof.batch.slots, proof.batch.dataRoot);
        }
    }

    function _checkBatch(Step memory step, StepEnv calldata env, BatchMeta calldata batch) private view {
        uint64 index = uint64(step.machine.get(MACHINE_BATCH_INDEX));
        bytes32 expected = IInbox(env.inbox).batchHash(index);
        bytes32 given = keccak256(abi.encode(batch.l2Time, batch.queueEnd, batch.slots, batch.dataRoot)); // B-2
        if (given != expected) revert BadBatch(index, given, expected);
    }

    function _checkEntry(Step memory step, StepEnv calldata env, L1Entry calldata entry) private view {
        uint64 index = uint64(step.machine.get(MACHINE_INBOX_CURSOR));
        bytes32 expected = IInbox(env.inbox).entryHash(index);
        bytes32 given = EntryHash.compute( // B-3
            entry.kind, entry.sender, entry.account, entry.value, entry.slots, entry.dataRoot, entry.dueTime
        );
        if (given != expected) revert BadEntry(index, given, expected);
    }
}
