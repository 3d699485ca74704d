// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    KIND_RECEIPT,
    KIND_SYSTEM,
    LEAF_MACHINE,
    LEAF_REGISTER,
    OP_FORCED,
    PHASE_ABSORB,
    PHASE_EXEC,
    PHASE_IDLE,
    PHASE_INBOX,
    PHASE_SLOTS,
    PHASE_VERIFY,
    SLOT_BYTES,
    SOURCE_FORCED
} from "../../../contracts/generated/Constants.sol";
import {
    MACHINE_BATCH_INDEX,
    MACHINE_BATCH_SLOTS,
    MACHINE_CURSOR,
    MACHINE_FORCED_SENDER,
    MACHINE_INBOX_CURSOR,
    MACHINE_PHASE,
    MACHINE_QUEUE_END,
    MACHINE_RECEIPT_COUNT,
    MACHINE_SLOTS,
    MACHINE_SOURCE,
    RECEIPT_BATCH_INDEX,
    RECEIPT_ID,
    RECEIPT_L2_TIME,
    RECEIPT_OP,
    RECEIPT_OUTCOME,
    REGISTER_AGENT,
    REGISTER_AUTH,
    REGISTER_COUNT,
    REGISTER_INDEX,
    REGISTER_NONCE,
    REGISTER_RECORDS_HASH,
    REGISTER_SIGNATURE_R,
    REGISTER_SIGNATURE_VS,
    REGISTER_VALID_UNTIL
} from "../../../contracts/generated/LeafFields.sol";
import {R_HEADER_AUTH, R_HEADER_SIGNATURE_R, R_HEADER_SIGNATURE_VS} from "../../../contracts/generated/RecordFields.sol";
import {IOneStepProver, L1Entry} from "../../../contracts/interfaces/IOneStepProver.sol";
import {Words, WordsLibrary} from "../../../contracts/types/Words.sol";
import {State} from "./NaiveState.sol";
import {ProverScene, Told, Written} from "./ProverScene.sol";

/// Where batches, entries and bundles begin and end (M-1 to M-6, M-10).
contract MachineEdgesTest is ProverScene {
    address private constant SENDER = address(0xBEEF);

    function test_idle_isTheIdentityAtTheEpochsEnd() external view {
        Words machine = _machine();
        Told memory told = _tell(_with(machine), _onlyMachine(machine));
        for (uint64 end = 0; end <= 7; end += 7) {
            told.env.batchEnd = end;
            require(told.preRoot == told.postRoot);
            _expectRoot(told);
        }
    }

    function test_batch_withoutSlotsAndEntriesEndsAtOnce() external {
        Words machine = _machine();
        Words next = _machine();
        next.set(MACHINE_BATCH_INDEX, 8);
        Told memory told = _tell(_with(machine), _onlyMachine(next));
        // A queue end below the cursor counts as the cursor (M-2).
        for (uint64 queueEnd = 0; queueEnd <= 3; queueEnd += 3) {
            _useBatch(told, 7, queueEnd, "");
            _expectRoot(told);
        }
    }

    function test_batch_withSlotsOnlySkipsTheInbox() external {
        uint256[5] memory counts = [uint256(1), 2, 42, 43, 700];
        for (uint256 i = 0; i < counts.length; ++i) {
            Words machine = _machine();
            Words next = _inSlots(0, counts[i]);
            Told memory told = _tell(_with(machine), _onlyMachine(next));
            _useBatch(told, 7, 3, new bytes(counts[i] * SLOT_BYTES));
            _expectRoot(told);
        }
    }

    function test_batch_withEntriesStopsAtThem() external {
        Words machine = _machine();
        Words next = _machine();
        next.set(MACHINE_PHASE, PHASE_INBOX);
        next.set(MACHINE_QUEUE_END, 5);
        Told memory told = _tell(_with(machine), _onlyMachine(next));
        _useBatch(told, 7, 5, "");
        _expectRoot(told);
    }

    function testFuzz_phase_thatDoesNotExistIsNoVerdict(uint8 phase) external view {
        if (phase <= PHASE_EXEC) return;
        Words machine = _machine();
        machine.set(MACHINE_PHASE, phase);
        _expectError(
            _tell(_with(machine), _onlyMachine(machine)), abi.encodeWithSelector(IOneStepProver.BadPhase.selector, phase)
        );
    }

    /// Whatever a slot holds: it is garbage unless all of M-5 holds, and then only the cursor moves.
    function testFuzz_garbage_isSkipped(bytes32[3] memory slot, uint8 count, uint8 cursor) external {
        if (bytes1(slot[0]) == 0x01) slot[0] = 0;
        uint256 slots = 1 + uint256(count) % 42;
        _expectGarbage(abi.encodePacked(slot), slots, cursor % slots);
    }

    function test_header_thatOverrunsItsSlotsIsGarbage() external {
        for (uint256 slots = 1; slots <= 42; slots += 41) {
            for (uint256 cursor = 0; cursor < slots; cursor += 7) {
                _expectHeader(_header(9, 4, slots - cursor - 1), slots, cursor, slots - cursor > 1);
                _expectHeader(_header(9, 4, slots - cursor), slots, cursor, false);
                _expectHeader(_header(9, 4, 512), slots, cursor, false);
                _expectHeader(_header(9, 4, 65_535), slots, cursor, false);
            }
        }
    }

    function test_header_ofNoRecordIsGarbage() external {
        _expectHeader(_header(9, 4, 0), 42, 0, false);
    }

    function test_header_ofMoreThanTheMostRecordsIsGarbage() external {
        for (uint256 count = 512; count <= 513; ++count) {
            uint256 slots = 600;
            bytes memory chunk = bytes.concat(_slotBytes(_header(9, 4, count)), new bytes(41 * SLOT_BYTES));
            Written[] memory written = count == 512 ? _absorbing(count, slots, 0) : _onlyMachine(_inSlots(1, slots));
            Told memory told = _tell(_with(_inSlots(0, slots)), written);
            _useBatch(told, 7, 3, chunk);
            // 15 chunks, all others zero hashes: no such data, yet a root that the opening leads to.
            told.proof.batch.slots = uint32(slots);
            told.proof.slot.chunk = chunk;
            told.proof.slot.siblings = new bytes32[](6);
            bytes32 node = keccak256(abi.encodePacked(keccak256(chunk), bytes32(0), bytes32(0), bytes32(0), uint8(0)));
            told.proof.batch.dataRoot = keccak256(abi.encodePacked(node, bytes32(0), bytes32(0), bytes32(0), uint8(0)));
            prover.setBatchHash(7, keccak256(abi.encode(NOW, uint64(3), uint32(slots), told.proof.batch.dataRoot)));
            _expectRoot(told);
        }
    }

    function testFuzz_header_withABitInItsPaddingIsGarbage(uint8 bit) external {
        Words slot = _header(9, 4, 1);
        uint256 padding = 96;
        slot.set(256, slot.get(256) | (1 << (bit % padding)));
        _expectHeader(slot, 2, 0, false);
    }

    function testFuzz_header_ofAnotherAuthIsGarbage(uint8 auth) external {
        if (auth == 0) return;
        Words slot = _header(9, 4, 1);
        slot.set(R_HEADER_AUTH, auth);
        slot.set(R_HEADER_SIGNATURE_R, 0);
        slot.set(R_HEADER_SIGNATURE_VS, 0);
        // L1_SENDER is for forced entries.
        _expectHeader(slot, 2, 0, false);
    }

    function testFuzz_records_areAbsorbedOneByOne(bytes32[3] memory record, bytes32 hash, uint8 place) external {
        uint256 count = 41;
        uint256 index = place % count;
        bytes memory data = new bytes(42 * SLOT_BYTES);
        for (uint256 i = 0; i < 96; ++i) data[(1 + index) * 96 + i] = abi.encodePacked(record)[i];
        Words machine = _inSlots(0, 42);
        machine.set(MACHINE_PHASE, PHASE_ABSORB);
        Words register = WordsLibrary.create();
        register.set(REGISTER_COUNT, count);
        register.set(REGISTER_INDEX, index);
        register.set(REGISTER_RECORDS_HASH, uint256(hash));
        State memory state = _with(machine);
        state.set(KIND_SYSTEM, LEAF_REGISTER, register);

        Written[] memory written = new Written[](2);
        bool isLast = index + 1 == count;
        machine.set(MACHINE_PHASE, isLast ? PHASE_VERIFY : PHASE_ABSORB);
        register.set(REGISTER_INDEX, isLast ? 0 : index + 1);
        register.set(REGISTER_RECORDS_HASH, uint256(keccak256(abi.encodePacked(hash, record))));
        written[0] = Written(KIND_SYSTEM, LEAF_MACHINE, machine);
        written[1] = Written(KIND_SYSTEM, LEAF_REGISTER, register);
        Told memory told = _tell(state, written);
        _useBatch(told, 7, 3, data);
        told.proof.slot.chunk = data;
        _expectRoot(told);
    }

    function test_forcedEntry_withoutSlotsIsConsumed() external {
        Words next = _machine();
        next.set(MACHINE_INBOX_CURSOR, 4);
        next.set(MACHINE_PHASE, PHASE_INBOX);
        next.set(MACHINE_QUEUE_END, 5);
        Told memory told = _tell(_with(_atEntry(5)), _onlyMachine(next));
        _useEntry(told, 3, L1Entry(uint8(OP_FORCED), SENDER, address(0), 0, 0, 0, NOW));
        _expectRoot(told);
    }

    function test_forcedEntry_opensItsSlotsForItsSender() external {
        Words next = _atEntry(5);
        next.set(MACHINE_PHASE, PHASE_SLOTS);
        next.set(MACHINE_SOURCE, SOURCE_FORCED);
        next.set(MACHINE_SLOTS, 64);
        next.set(MACHINE_FORCED_SENDER, uint160(SENDER));
        Told memory told = _tell(_with(_atEntry(5)), _onlyMachine(next));
        _useEntry(told, 3, L1Entry(uint8(OP_FORCED), SENDER, address(0), 0, 64, keccak256("slots"), NOW));
        _expectRoot(told);
    }

    function testFuzz_entry_ofAnUnknownKindIsConsumedWithAReceipt(uint8 kind) external {
        if (kind >= 64 && kind <= 67) return;
        Words next = _machine();
        next.set(MACHINE_INBOX_CURSOR, 4);
        next.set(MACHINE_PHASE, PHASE_IDLE);
        next.set(MACHINE_BATCH_INDEX, 8);
        next.set(MACHINE_RECEIPT_COUNT, 1);
        Words receipt = WordsLibrary.create();
        receipt.set(RECEIPT_OP, kind);
        receipt.set(RECEIPT_OUTCOME, 1);
        receipt.set(RECEIPT_ID, 3);
        receipt.set(RECEIPT_L2_TIME, NOW);
        receipt.set(RECEIPT_BATCH_INDEX, 7);
        Written[] memory written = new Written[](2);
        written[0] = Written(KIND_SYSTEM, LEAF_MACHINE, next);
        written[1] = Written(KIND_RECEIPT, 0, receipt);
        Told memory told = _tell(_with(_atEntry(4)), written);
        _useEntry(told, 3, L1Entry(kind, SENDER, SENDER, 5, 0, 0, NOW));
        _expectRoot(told);
    }

    /// RC-2
    function test_receipts_endWhereTheirSubtreeIsFull() external {
        Words machine = _atEntry(5);
        machine.set(MACHINE_RECEIPT_COUNT, 1 << 48);
        Words next = _copy(machine);
        next.set(MACHINE_INBOX_CURSOR, 4);
        Told memory told = _tell(_with(machine), _onlyMachine(next));
        _useEntry(told, 3, L1Entry(200, SENDER, SENDER, 5, 0, 0, NOW));
        _expectRoot(told);
    }

    function _expectGarbage(bytes memory slot, uint256 slots, uint256 cursor) private {
        bytes memory data = _dataWith(slot, slots, cursor);
        Words next = _inSlots(cursor + 1, slots);
        if (cursor + 1 == slots) {
            next = _machine();
            next.set(MACHINE_BATCH_INDEX, 8);
        }
        Told memory told = _tell(_with(_inSlots(cursor, slots)), _onlyMachine(next));
        _useBatch(told, 7, 3, data);
        told.proof.slot.chunk = data;
        _expectRoot(told);
    }

    function _expectHeader(Words slot, uint256 slots, uint256 cursor, bool isHeader) private {
        if (!isHeader) return _expectGarbage(_slotBytes(slot), slots, cursor);
        bytes memory data = _dataWith(_slotBytes(slot), slots, cursor);
        Told memory told = _tell(_with(_inSlots(cursor, slots)), _absorbing(slots - cursor - 1, slots, cursor));
        _useBatch(told, 7, 3, data);
        told.proof.slot.chunk = data;
        _expectRoot(told);
    }

    /// The machine and the register after the header of `_header(9, 4, count)` was read.
    function _absorbing(uint256 count, uint256 slots, uint256 cursor) private pure returns (Written[] memory written) {
        Words machine = _inSlots(cursor, slots);
        machine.set(MACHINE_PHASE, PHASE_ABSORB);
        Words register = WordsLibrary.create();
        register.set(REGISTER_AGENT, 9);
        register.set(REGISTER_NONCE, 4);
        register.set(REGISTER_COUNT, count);
        register.set(REGISTER_VALID_UNTIL, NOW + 60);
        register.set(REGISTER_AUTH, 0);
        register.set(REGISTER_SIGNATURE_R, 11);
        register.set(REGISTER_SIGNATURE_VS, 12);
        written = new Written[](2);
        written[0] = Written(KIND_SYSTEM, LEAF_MACHINE, machine);
        written[1] = Written(KIND_SYSTEM, LEAF_REGISTER, register);
    }

    function _dataWith(bytes memory slot, uint256 slots, uint256 cursor) private pure returns (bytes memory) {
        return bytes.concat(new bytes(cursor * SLOT_BYTES), slot, new bytes((slots - cursor - 1) * SLOT_BYTES));
    }

    function _inSlots(uint256 cursor, uint256 slots) private pure returns (Words machine) {
        machine = _machine();
        machine.set(MACHINE_PHASE, PHASE_SLOTS);
        machine.set(MACHINE_CURSOR, cursor);
        machine.set(MACHINE_SLOTS, slots);
        machine.set(MACHINE_BATCH_SLOTS, slots);
        machine.set(MACHINE_QUEUE_END, 3);
    }

    function _atEntry(uint256 queueEnd) private pure returns (Words machine) {
        machine = _machine();
        machine.set(MACHINE_PHASE, PHASE_INBOX);
        machine.set(MACHINE_QUEUE_END, queueEnd);
    }

    function _with(Words machine) private pure returns (State memory state) {
        state.set(KIND_SYSTEM, LEAF_MACHINE, machine);
    }
}
