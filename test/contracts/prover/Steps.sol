// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    BUNDLE_TYPEHASH,
    KIND_AGENT,
    KIND_DIRECTORY,
    KIND_RECEIPT,
    KIND_SYSTEM,
    LEAF_MACHINE,
    LEAF_REGISTER,
    OP_DEPOSIT,
    OP_TRANSFER,
    PHASE_EXEC,
    PHASE_INBOX,
    PHASE_VERIFY,
    SIGNER_OWNER
} from "../../../contracts/generated/Constants.sol";
import {
    AGENT_BALANCE,
    AGENT_NONCE,
    AGENT_OWNER,
    DIRECTORY_NEXT_INDEX,
    DIRECTORY_NEXT_OWNER,
    DIRECTORY_OWNER,
    MACHINE_AGENT_COUNT,
    MACHINE_BATCH_INDEX,
    MACHINE_BATCH_SLOTS,
    MACHINE_FEE_BALANCE,
    MACHINE_INBOX_CURSOR,
    MACHINE_PHASE,
    MACHINE_QUEUE_END,
    MACHINE_RECEIPT_COUNT,
    MACHINE_SLOTS,
    RECEIPT_AGENT,
    RECEIPT_AMOUNT,
    RECEIPT_BATCH_INDEX,
    RECEIPT_ID,
    RECEIPT_L2_TIME,
    RECEIPT_NONCE,
    RECEIPT_OP,
    RECEIPT_SLOT,
    REGISTER_AGENT,
    REGISTER_COUNT,
    REGISTER_NONCE,
    REGISTER_RECORDS_HASH,
    REGISTER_SIGNATURE_R,
    REGISTER_SIGNATURE_VS,
    REGISTER_SIGNER,
    REGISTER_VALID_UNTIL
} from "../../../contracts/generated/LeafFields.sol";
import {R_TRANSFER_AMOUNT, R_TRANSFER_TO} from "../../../contracts/generated/RecordFields.sol";
import {L1Entry} from "../../../contracts/interfaces/IOneStepProver.sol";
import {OP_FIELD} from "../../../contracts/libraries/transition/RecordRules.sol";
import {Words, WordsLibrary} from "../../../contracts/types/Words.sol";
import {vm} from "../invariants/Vm.sol";
import {State} from "./NaiveState.sol";
import {ProverScene, Told, Written} from "./ProverScene.sol";

/// @title Three whole steps, told by hand: a transfer, a header's checks with a real signature, a deposit that opens an account
abstract contract Steps is ProverScene {
    uint256 internal constant KEY = uint256(keccak256("the key of account 1"));
    uint256 internal constant OWNER_2 = 0x2222 << 96;
    uint256 private constant FEE = 3;
    uint64 private constant NONCE = 5;

    /// Agent 1 pays 30 to agent 2 and 3 as a fee; the last record of its bundle and of its batch.
    function _transfer() internal returns (Told memory told) {
        State memory state = _twoAccounts();
        Words machine = _inBundle(PHASE_EXEC);
        Words register = _register();
        register.set(REGISTER_SIGNER, SIGNER_OWNER);
        state.set(KIND_SYSTEM, LEAF_MACHINE, machine);
        state.set(KIND_SYSTEM, LEAF_REGISTER, register);

        Words next = _machine();
        next.set(MACHINE_BATCH_INDEX, 8);
        next.set(MACHINE_AGENT_COUNT, 2);
        next.set(MACHINE_FEE_BALANCE, FEE);
        next.set(MACHINE_RECEIPT_COUNT, 1);
        Words receipt = _receipt(OP_TRANSFER, 1, 30);
        receipt.set(RECEIPT_SLOT, 2);
        receipt.set(RECEIPT_NONCE, NONCE);
        Written[] memory written = new Written[](5);
        written[0] = Written(KIND_SYSTEM, LEAF_MACHINE, next);
        written[1] = Written(KIND_SYSTEM, LEAF_REGISTER, WordsLibrary.create());
        written[2] = Written(KIND_AGENT, 1, _agent(vm.addr(KEY), NONCE, 67));
        written[3] = Written(KIND_AGENT, 2, _agent(address(uint160(OWNER_2)), 0, 31));
        written[4] = Written(KIND_RECEIPT, 0, receipt);
        told = _tell(state, written);
        // TRANSFER is the second operation.
        told.env.feeTable[0] = FEE << (32 * 6);

        Words record = WordsLibrary.create();
        record.set(OP_FIELD, OP_TRANSFER);
        record.set(R_TRANSFER_TO, 2);
        record.set(R_TRANSFER_AMOUNT, 30);
        bytes memory data = bytes.concat(_slotBytes(_header(1, NONCE, 1)), _slotBytes(record));
        _useBatch(told, 7, 3, data);
        told.proof.slot.chunk = data;
    }

    /// The signature of agent 1's owner is good, and the bundle is executed next.
    function _verification() internal view returns (Told memory told) {
        State memory state = _twoAccounts();
        Words register = _register();
        (uint256 r, uint256 vs) = _sign(register);
        register.set(REGISTER_SIGNATURE_R, r);
        register.set(REGISTER_SIGNATURE_VS, vs);
        state.set(KIND_SYSTEM, LEAF_MACHINE, _inBundle(PHASE_VERIFY));
        state.set(KIND_SYSTEM, LEAF_REGISTER, register);

        Words signed = _copy(register);
        signed.set(REGISTER_SIGNER, SIGNER_OWNER);
        // From here on they carry what one record leaves for the next (M-7).
        signed.set(REGISTER_RECORDS_HASH, 0);
        signed.set(REGISTER_SIGNATURE_R, 0);
        signed.set(REGISTER_SIGNATURE_VS, 0);
        Written[] memory written = new Written[](3);
        written[0] = Written(KIND_SYSTEM, LEAF_MACHINE, _inBundle(PHASE_EXEC));
        written[1] = Written(KIND_SYSTEM, LEAF_REGISTER, signed);
        written[2] = Written(KIND_AGENT, 1, _agent(vm.addr(KEY), NONCE + 1, 100));
        told = _tell(state, written);
    }

    /// A deposit of 9 for an address between the sentinel and the lower of the two owners.
    function _deposit() internal returns (Told memory told) {
        return _depositAfter(0, 0);
    }

    /// The same deposit, with `low` as the leaf that is said to hold its interval: only the sentinel does.
    function _depositAfter(uint256 low, uint256 shift) internal returns (Told memory told) {
        State memory state = _twoAccounts();
        uint256 lowest = _lowestOwner();
        uint256 account = lowest / 2 + shift;
        Words machine = _machine();
        machine.set(MACHINE_PHASE, PHASE_INBOX);
        machine.set(MACHINE_QUEUE_END, 4);
        machine.set(MACHINE_AGENT_COUNT, 2);
        state.set(KIND_SYSTEM, LEAF_MACHINE, machine);

        Words next = _machine();
        next.set(MACHINE_BATCH_INDEX, 8);
        next.set(MACHINE_INBOX_CURSOR, 4);
        next.set(MACHINE_AGENT_COUNT, 3);
        next.set(MACHINE_RECEIPT_COUNT, 1);
        (uint256 lowOwner, uint256 nextIndex, uint256 nextOwner) = _directoryAt(low);
        Words receipt = _receipt(OP_DEPOSIT, 3, 9);
        receipt.set(RECEIPT_ID, 3);
        Written[] memory written = new Written[](5);
        written[0] = Written(KIND_SYSTEM, LEAF_MACHINE, next);
        written[1] = Written(KIND_DIRECTORY, low, _entry(lowOwner, 3, account));
        written[2] = Written(KIND_DIRECTORY, 3, _entry(account, nextIndex, nextOwner));
        written[3] = Written(KIND_AGENT, 3, _agent(address(uint160(account)), 0, 9));
        written[4] = Written(KIND_RECEIPT, 0, receipt);
        told = _tell(state, written);
        _useEntry(told, 3, L1Entry(uint8(OP_DEPOSIT), address(7), address(uint160(account)), 9, 0, 0, NOW));
    }

    function _lowestOwner() internal pure returns (uint256) {
        uint256 owner = uint160(vm.addr(KEY));
        return owner < OWNER_2 ? owner : OWNER_2;
    }

    function _twoAccounts() private pure returns (State memory state) {
        state.set(KIND_AGENT, 1, _agent(vm.addr(KEY), NONCE, 100));
        state.set(KIND_AGENT, 2, _agent(address(uint160(OWNER_2)), 0, 1));
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 owner, uint256 nextIndex, uint256 nextOwner) = _directoryAt(i);
            state.set(KIND_DIRECTORY, i, _entry(owner, nextIndex, nextOwner));
        }
    }

    /// The sentinel and the two owners, linked in the order of their addresses. Beyond them, nothing.
    function _directoryAt(uint256 index) private pure returns (uint256 owner, uint256 nextIndex, uint256 nextOwner) {
        uint256 first = uint160(vm.addr(KEY));
        bool isFirstLower = first < OWNER_2;
        if (index == 0) return (0, isFirstLower ? 1 : 2, isFirstLower ? first : OWNER_2);
        if (index == 1) return (first, isFirstLower ? 2 : 0, isFirstLower ? OWNER_2 : 0);
        if (index == 2) return (OWNER_2, isFirstLower ? 0 : 1, isFirstLower ? 0 : first);
    }

    function _sign(Words register) private pure returns (uint256, uint256) {
        bytes32 bundle = keccak256(
            abi.encode(BUNDLE_TYPEHASH, uint32(1), NONCE, uint16(1), NOW + 60, bytes32(register.get(REGISTER_RECORDS_HASH)))
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, keccak256(abi.encodePacked(hex"1901", DOMAIN, bundle)));
        return (uint256(r), (uint256(v - 27) << 255) | uint256(s));
    }

    function _inBundle(uint256 phase) private pure returns (Words machine) {
        machine = _machine();
        machine.set(MACHINE_PHASE, phase);
        machine.set(MACHINE_SLOTS, 2);
        machine.set(MACHINE_BATCH_SLOTS, 2);
        machine.set(MACHINE_QUEUE_END, 3);
        machine.set(MACHINE_AGENT_COUNT, 2);
    }

    function _register() private pure returns (Words register) {
        register = WordsLibrary.create();
        register.set(REGISTER_AGENT, 1);
        register.set(REGISTER_NONCE, NONCE);
        register.set(REGISTER_COUNT, 1);
        register.set(REGISTER_VALID_UNTIL, NOW + 60);
        register.set(REGISTER_RECORDS_HASH, uint256(keccak256("records")));
    }

    function _receipt(uint256 op, uint256 agent, uint256 amount) private pure returns (Words receipt) {
        receipt = WordsLibrary.create();
        receipt.set(RECEIPT_OP, op);
        receipt.set(RECEIPT_AGENT, agent);
        receipt.set(RECEIPT_AMOUNT, amount);
        receipt.set(RECEIPT_L2_TIME, NOW);
        receipt.set(RECEIPT_BATCH_INDEX, 7);
    }

    function _agent(address owner, uint256 nonce, uint256 balance) private pure returns (Words agent) {
        agent = WordsLibrary.create();
        agent.set(AGENT_OWNER, uint160(owner));
        agent.set(AGENT_NONCE, nonce);
        agent.set(AGENT_BALANCE, balance);
    }

    function _entry(uint256 owner, uint256 nextIndex, uint256 nextOwner) private pure returns (Words entry) {
        entry = WordsLibrary.create();
        entry.set(DIRECTORY_OWNER, owner);
        entry.set(DIRECTORY_NEXT_INDEX, nextIndex);
        entry.set(DIRECTORY_NEXT_OWNER, nextOwner);
    }
}
