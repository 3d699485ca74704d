// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    E_UNKNOWN_OP,
    OP_DEPOSIT,
    OP_FORCED,
    OP_LINK_AGENT,
    OP_SWEEP_FEES,
    PHASE_ABSORB,
    PHASE_EXEC,
    PHASE_IDLE,
    PHASE_INBOX,
    PHASE_SLOTS,
    PHASE_VERIFY,
    SIGNER_NONE,
    SOURCE_BATCH,
    SOURCE_FORCED
} from "../../generated/Constants.sol";
import {
    MACHINE_BATCH_INDEX,
    MACHINE_BATCH_SLOTS,
    MACHINE_CURSOR,
    MACHINE_FORCED_SENDER,
    MACHINE_INBOX_CURSOR,
    MACHINE_L2_TIME,
    MACHINE_PHASE,
    MACHINE_QUEUE_END,
    MACHINE_SLOTS,
    MACHINE_SOURCE,
    REGISTER_AGENT,
    REGISTER_COUNT,
    REGISTER_INDEX,
    REGISTER_NONCE,
    REGISTER_RECORDS_HASH,
    REGISTER_SIGNATURE_R,
    REGISTER_SIGNATURE_VS,
    REGISTER_SIGNER
} from "../../generated/LeafFields.sol";
import {BatchMeta, L1Entry} from "../../interfaces/IOneStepProver.sol";
import {Words} from "../../types/Words.sol";
import {Deposit} from "./Deposit.sol";
import {Header} from "./Header.sol";
import {LinkAgent} from "./LinkAgent.sol";
import {Record} from "./Record.sol";
import {Step} from "./Step.sol";
import {SweepFees} from "./SweepFees.sol";

/// @title The machine of the rulebook (M-2 to M-10)
library Machine {
    /// M-3
    function normalise(Step memory step) internal pure {
        Words machine = step.machine;
        while (true) {
            uint256 phase = machine.get(MACHINE_PHASE);
            if (phase == PHASE_INBOX && machine.get(MACHINE_INBOX_CURSOR) == machine.get(MACHINE_QUEUE_END)) {
                // (a)
                machine.set(MACHINE_PHASE, PHASE_SLOTS);
                machine.set(MACHINE_SOURCE, SOURCE_BATCH);
                machine.set(MACHINE_CURSOR, 0);
                machine.set(MACHINE_SLOTS, machine.get(MACHINE_BATCH_SLOTS));
            } else if (phase == PHASE_SLOTS && machine.get(MACHINE_CURSOR) == machine.get(MACHINE_SLOTS)) {
                if (machine.get(MACHINE_SOURCE) == SOURCE_BATCH) return _endBatch(machine); // (c)
                // (b)
                machine.set(MACHINE_INBOX_CURSOR, machine.get(MACHINE_INBOX_CURSOR) + 1);
                machine.set(MACHINE_SOURCE, SOURCE_BATCH);
                machine.set(MACHINE_FORCED_SENDER, 0);
                machine.set(MACHINE_PHASE, PHASE_INBOX);
            } else {
                return;
            }
        }
    }

    /// M-2
    function beginBatch(Step memory step, BatchMeta calldata batch) internal pure {
        Words machine = step.machine;
        uint256 inboxCursor = machine.get(MACHINE_INBOX_CURSOR);
        machine.set(MACHINE_L2_TIME, batch.l2Time);
        machine.set(MACHINE_SLOTS, batch.slots);
        machine.set(MACHINE_BATCH_SLOTS, batch.slots);
        machine.set(MACHINE_QUEUE_END, batch.queueEnd > inboxCursor ? batch.queueEnd : inboxCursor);
        machine.set(MACHINE_CURSOR, 0);
        machine.set(MACHINE_SOURCE, SOURCE_BATCH);
        machine.set(MACHINE_PHASE, PHASE_INBOX);
        normalise(step);
    }

    /// M-4
    function takeEntry(Step memory step, L1Entry calldata entry) internal pure {
        Words machine = step.machine;
        uint256 index = machine.get(MACHINE_INBOX_CURSOR);
        if (entry.kind == OP_FORCED) {
            machine.set(MACHINE_PHASE, PHASE_SLOTS);
            machine.set(MACHINE_SOURCE, SOURCE_FORCED);
            machine.set(MACHINE_CURSOR, 0);
            machine.set(MACHINE_SLOTS, entry.slots);
            machine.set(MACHINE_FORCED_SENDER, uint160(entry.sender));
        } else {
            uint256 outcome = E_UNKNOWN_OP; // M-10
            if (entry.kind == OP_DEPOSIT) outcome = Deposit.execute(step, entry);
            else if (entry.kind == OP_LINK_AGENT) outcome = LinkAgent.execute(step, entry);
            else if (entry.kind == OP_SWEEP_FEES) outcome = SweepFees.execute(step, entry);
            step.id = index;
            step.writeReceipt(entry.kind, outcome, true);
            machine.set(MACHINE_INBOX_CURSOR, index + 1);
        }
        normalise(step);
    }

    /// M-5
    function readHeader(Step memory step) internal pure {
        Words machine = step.machine;
        uint256 cursor = machine.get(MACHINE_CURSOR);
        bool isForced = machine.get(MACHINE_SOURCE) == SOURCE_FORCED;
        if (Header.isHeader(step.record, machine.get(MACHINE_SLOTS) - cursor, isForced)) {
            Header.load(step.register(), step.record);
            machine.set(MACHINE_PHASE, PHASE_ABSORB);
        } else {
            machine.set(MACHINE_CURSOR, cursor + 1);
            normalise(step);
        }
    }

    /// M-6, B-4
    function absorb(Step memory step, Words register) internal pure {
        uint256 hash = register.get(REGISTER_RECORDS_HASH);
        Words record = step.record;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, hash)
            mcopy(add(buffer, 32), record, 96)
            hash := keccak256(buffer, 128)
        }
        register.set(REGISTER_RECORDS_HASH, hash);
        uint256 next = register.get(REGISTER_INDEX) + 1;
        bool isLast = next == register.get(REGISTER_COUNT);
        register.set(REGISTER_INDEX, isLast ? 0 : next);
        if (isLast) step.machine.set(MACHINE_PHASE, PHASE_VERIFY);
    }

    /// M-7
    function verify(Step memory step, Words register, bytes32 domainSeparator) internal pure {
        uint256 signer = Header.admit(step, register, domainSeparator);
        if (signer == SIGNER_NONE) return _endBundle(step, register);
        register.set(REGISTER_SIGNER, signer);
        register.set(REGISTER_RECORDS_HASH, 0);
        register.set(REGISTER_SIGNATURE_R, 0);
        register.set(REGISTER_SIGNATURE_VS, 0);
        step.machine.set(MACHINE_PHASE, PHASE_EXEC);
    }

    /// M-8
    function execute(Step memory step, Words register) internal pure {
        beginRecord(step, register);
        Record.execute(step);
        endRecord(step, register);
    }

    /// M-8, before the record is executed.
    function beginRecord(Step memory step, Words register) internal pure {
        step.agent = register.get(REGISTER_AGENT);
        step.nonce = register.get(REGISTER_NONCE);
        step.signer = register.get(REGISTER_SIGNER);
        step.index = register.get(REGISTER_INDEX);
    }

    /// M-8, after its receipt.
    function endRecord(Step memory step, Words register) internal pure {
        if (step.index + 1 == register.get(REGISTER_COUNT)) return _endBundle(step, register);
        register.set(REGISTER_INDEX, step.index + 1);
    }

    function _endBundle(Step memory step, Words register) private pure {
        Words machine = step.machine;
        machine.set(MACHINE_CURSOR, machine.get(MACHINE_CURSOR) + 1 + register.get(REGISTER_COUNT));
        machine.set(MACHINE_PHASE, PHASE_SLOTS);
        register.clear();
        normalise(step);
    }

    /// M-3 (c)
    function _endBatch(Words machine) private pure {
        machine.set(MACHINE_BATCH_INDEX, machine.get(MACHINE_BATCH_INDEX) + 1);
        machine.set(MACHINE_PHASE, PHASE_IDLE);
        machine.set(MACHINE_CURSOR, 0);
        machine.set(MACHINE_SLOTS, 0);
        machine.set(MACHINE_BATCH_SLOTS, 0);
        machine.set(MACHINE_QUEUE_END, 0);
    }
}
