// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PHASE_ABSORB, PHASE_EXEC, PHASE_IDLE, PHASE_INBOX, PHASE_SLOTS, PHASE_VERIFY} from "../generated/Constants.sol";
import {MACHINE_BATCH_INDEX, MACHINE_CURSOR, MACHINE_PHASE, REGISTER_INDEX} from "../generated/LeafFields.sol";
import {IOneStepProver, StepEnv, StepProof} from "../interfaces/IOneStepProver.sol";
import {Machine} from "../libraries/transition/Machine.sol";
import {RecordRules} from "../libraries/transition/RecordRules.sol";
import {Step} from "../libraries/transition/Step.sol";
import {Words} from "../types/Words.sol";
import {ChannelProver} from "./ChannelProver.sol";
import {ProverBase} from "./ProverBase.sol";

/// @title The normative transition, one step at a time
/// @notice Stateless: one prover serves every chain. The rules run on the leaves as the proof gives them, in the order in which they
/// name them; then every leaf is proven and written in turn. Anything untrue in the proof reverts there at the latest.
contract OneStepProver is ProverBase {
    /// The rules of channels' records: both together are more code than one contract may have (EIP-170).
    ChannelProver public immutable channelProver = new ChannelProver();

    /// @inheritdoc IOneStepProver
    function proveStep(StepEnv calldata env, bytes32 preState, StepProof calldata proof) external view returns (bytes32) {
        Step memory step = _begin(env, proof);
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
            else if (RecordRules.isOnChannel(step.record)) return _askChannelProver();
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

    /// The same question to who knows the other rules; its answer, or its reason to revert, is the answer here.
    function _askChannelProver() private view returns (bytes32 postState) {
        address other = address(channelProver);
        assembly ("memory-safe") {
            let question := mload(0x40)
            calldatacopy(question, 0, calldatasize())
            let isAnswered := staticcall(gas(), other, question, calldatasize(), 0, 32)
            if iszero(isAnswered) {
                returndatacopy(question, 0, returndatasize())
                revert(question, returndatasize())
            }
            postState := mload(0)
        }
    }
}
