// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PHASE_EXEC} from "../generated/Constants.sol";
import {MACHINE_CURSOR, MACHINE_PHASE, REGISTER_INDEX} from "../generated/LeafFields.sol";
import {IOneStepProver, StepEnv, StepProof} from "../interfaces/IOneStepProver.sol";
import {ChannelDomain} from "../libraries/ChannelDomain.sol";
import {ChannelRecord} from "../libraries/transition/ChannelRecord.sol";
import {Machine} from "../libraries/transition/Machine.sol";
import {RecordRules} from "../libraries/transition/RecordRules.sol";
import {Step} from "../libraries/transition/Step.sol";
import {Words} from "../types/Words.sol";
import {ProverBase} from "./ProverBase.sol";

/// @title The part of the normative transition that executes the records of channels
/// @notice Stateless, and of no use alone: `OneStepProver` asks it.
contract ChannelProver is ProverBase {
    /// Not a step of its rules.
    error NotOnChannel();

    /// @inheritdoc IOneStepProver
    function proveStep(StepEnv calldata env, bytes32 preState, StepProof calldata proof) external view returns (bytes32) {
        Step memory step = _begin(env, proof);
        if (step.machine.get(MACHINE_PHASE) != PHASE_EXEC) revert NotOnChannel();
        Words register = step.register();
        _readSlot(step, env, proof, step.machine.get(MACHINE_CURSOR) + 1 + register.get(REGISTER_INDEX));
        if (!RecordRules.isOnChannel(step.record)) revert NotOnChannel();
        (step.adjudicator, step.channelSeparator) = (env.adjudicator, ChannelDomain.separator(env.adjudicator));
        Machine.beginRecord(step, register);
        ChannelRecord.execute(step);
        Machine.endRecord(step, register);
        return step.commit(preState);
    }
}
