// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_SYSTEM, LEAF_MACHINE, OP_HEADER, SLOT_BYTES} from "../../../contracts/generated/Constants.sol";
import {MACHINE_BATCH_INDEX, MACHINE_INBOX_CURSOR, MACHINE_L2_TIME} from "../../../contracts/generated/LeafFields.sol";
import {
    R_HEADER_AGENT,
    R_HEADER_COUNT,
    R_HEADER_NONCE,
    R_HEADER_SIGNATURE_R,
    R_HEADER_SIGNATURE_VS,
    R_HEADER_VALID_UNTIL
} from "../../../contracts/generated/RecordFields.sol";
import {
    BatchMeta,
    IOneStepProver,
    L1Entry,
    LeafOpening,
    StepEnv,
    StepProof
} from "../../../contracts/interfaces/IOneStepProver.sol";
import {EntryHash} from "../../../contracts/libraries/EntryHash.sol";
import {OP_FIELD} from "../../../contracts/libraries/transition/RecordRules.sol";
import {StepHarness} from "../../../contracts/test/StepHarness.sol";
import {Words, WordsLibrary} from "../../../contracts/types/Words.sol";
import {State} from "./NaiveState.sol";

/// A step as a test tells it: what it is judged against, and the roots before and after.
struct Told {
    StepEnv env;
    StepProof proof;
    bytes32 preRoot;
    bytes32 postRoot;
}

/// A leaf that the step touches, as the rules say it is afterwards.
struct Written {
    uint256 kind;
    uint256 index;
    Words words;
}

/// @title What tests of the prover have in common: a prover with an inbox double, leaves, slots, and proofs made by the naive tree
abstract contract ProverScene {
    uint32 internal constant NOW = 1_900_000_000;
    bytes32 internal constant DOMAIN = keccak256("the domain of this chain");
    address internal constant ADJUDICATOR = address(0xad);

    StepHarness internal immutable prover = new StepHarness();

    /// A proof of the leaves in order, each valid once those before it are written; `state` becomes the one after the step.
    function _tell(State memory state, Written[] memory written) internal view returns (Told memory told) {
        told.env.inbox = address(prover);
        told.env.domainSeparator = DOMAIN;
        told.env.batchEnd = 1_000;
        told.env.adjudicator = ADJUDICATOR;
        told.preRoot = state.root();
        told.proof.leaves = new LeafOpening[](written.length);
        for (uint256 i = 0; i < written.length; ++i) {
            told.proof.leaves[i] = state.open(written[i].kind, written[i].index);
            state.set(written[i].kind, written[i].index, written[i].words);
        }
        told.postRoot = state.root();
    }

    /// Lets the inbox have a batch of `data` at `index`; its root is right for up to one chunk.
    function _useBatch(Told memory told, uint64 index, uint64 queueEnd, bytes memory data) internal {
        BatchMeta memory batch =
            BatchMeta(NOW, queueEnd, uint32(data.length / SLOT_BYTES), data.length == 0 ? bytes32(0) : keccak256(data));
        told.proof.batch = batch;
        prover.setBatchHash(index, keccak256(abi.encode(batch.l2Time, batch.queueEnd, batch.slots, batch.dataRoot)));
    }

    function _useEntry(Told memory told, uint64 index, L1Entry memory entry) internal {
        told.proof.entry = entry;
        prover.setEntryHash(
            index,
            EntryHash.compute(
                entry.kind, entry.sender, entry.account, entry.value, entry.slots, entry.dataRoot, entry.dueTime
            )
        );
    }

    function _judge(Told memory told) internal view returns (bool ok, bytes memory output) {
        return _judgeWith(told, gasleft());
    }

    function _judgeWith(Told memory told, uint256 gasLimit) internal view returns (bool ok, bytes memory output) {
        bytes memory call = abi.encodeCall(IOneStepProver.proveStep, (told.env, told.preRoot, told.proof));
        return address(prover).staticcall{gas: gasLimit}(call);
    }

    function _expectRoot(Told memory told) internal view {
        (bool ok, bytes memory output) = _judge(told);
        require(ok, "a good proof was refused");
        require(abi.decode(output, (bytes32)) == told.postRoot, "another root than the rules give");
    }

    function _expectError(Told memory told, bytes memory expected) internal view {
        (bool ok, bytes memory output) = _judge(told);
        require(!ok, "a bad proof was taken");
        require(keccak256(output) == keccak256(expected), "refused for another reason");
    }

    function _expectSelector(Told memory told, bytes4 expected) internal view {
        (bool ok, bytes memory output) = _judge(told);
        require(!ok, "a bad proof was taken");
        require(bytes4(output) == expected, "refused for another reason");
    }

    /// A machine at time NOW, in batch 7 at entry 3.
    function _machine() internal pure returns (Words machine) {
        machine = WordsLibrary.create();
        machine.set(MACHINE_BATCH_INDEX, 7);
        machine.set(MACHINE_INBOX_CURSOR, 3);
        machine.set(MACHINE_L2_TIME, NOW);
    }

    function _onlyMachine(Words machine) internal pure returns (Written[] memory written) {
        written = new Written[](1);
        written[0] = Written(KIND_SYSTEM, LEAF_MACHINE, machine);
    }

    function _header(uint256 agent, uint256 nonce, uint256 count) internal pure returns (Words slot) {
        slot = WordsLibrary.create();
        slot.set(OP_FIELD, OP_HEADER);
        slot.set(R_HEADER_AGENT, agent);
        slot.set(R_HEADER_NONCE, nonce);
        slot.set(R_HEADER_COUNT, count);
        slot.set(R_HEADER_VALID_UNTIL, NOW + 60);
        slot.set(R_HEADER_SIGNATURE_R, 11);
        slot.set(R_HEADER_SIGNATURE_VS, 12);
    }

    /// The 96 bytes of a slot.
    function _slotBytes(Words slot) internal pure returns (bytes memory data) {
        data = new bytes(SLOT_BYTES);
        assembly ("memory-safe") {
            mcopy(add(data, 32), slot, 96)
        }
    }

    function _copy(Words words) internal pure returns (Words copy) {
        copy = WordsLibrary.create();
        assembly ("memory-safe") {
            mcopy(copy, words, 128)
        }
    }
}
