// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_AGENT, KIND_DIRECTORY, KIND_RECEIPT} from "../../../contracts/generated/Constants.sol";
import {IOneStepProver, LeafOpening} from "../../../contracts/interfaces/IOneStepProver.sol";
import {Steps} from "./Steps.sol";
import {Told} from "./ProverScene.sol";

/// Good proofs give the root of the rules; nothing else that one can hand in gives another.
contract BadProofsTest is Steps {
    uint256 private constant STEPS = 3;

    function test_goodProofs_giveTheRootOfTheRules() external {
        for (uint256 i = 0; i < STEPS; ++i) {
            Told memory told = _step(i);
            require(told.preRoot != told.postRoot);
            _expectRoot(told);
        }
    }

    /// Any bit of the proof as it comes over the wire: lengths, offsets, hashes, fields that the step does not read.
    function testFuzz_alteredProof_neverGivesAnotherRoot(uint256 which, uint256 place, uint8 bit) external {
        _expectNoOtherRoot(_step(which % STEPS), place, bytes1(uint8(1 << (bit & 7))));
    }

    function testFuzz_alteredBytesOfAProof_neverGiveAnotherRoot(uint256 which, uint256 place, uint8 other) external {
        _expectNoOtherRoot(_step(which % STEPS), place, bytes1(other));
    }

    function testFuzz_rootBefore_isRefusedIfItIsAnother(uint256 which, bytes32 root) external {
        Told memory told = _step(which % STEPS);
        if (root == told.preRoot) return;
        (bytes32 given, bytes32 expected) = (told.preRoot, root);
        told.preRoot = root;
        _expectError(told, abi.encodeWithSelector(IOneStepProver.BadRoot.selector, 0, given, expected));
    }

    function test_leaf_isMissing() external {
        for (uint256 i = 0; i < STEPS; ++i) {
            Told memory told = _step(i);
            uint256 count = told.proof.leaves.length;
            LeafOpening[] memory fewer = new LeafOpening[](count - 1);
            for (uint256 j = 0; j + 1 < count; ++j) fewer[j] = told.proof.leaves[j];
            told.proof.leaves = fewer;
            _expectError(told, abi.encodeWithSelector(IOneStepProver.BadLeafCount.selector, count, count - 1));
            told.proof.leaves = new LeafOpening[](0);
            _expectError(told, abi.encodeWithSelector(IOneStepProver.BadLeafCount.selector, 1, 0));
        }
    }

    function test_leaf_isTooMany() external {
        for (uint256 i = 0; i < STEPS; ++i) {
            Told memory told = _step(i);
            uint256 count = told.proof.leaves.length;
            LeafOpening[] memory more = new LeafOpening[](count + 1);
            for (uint256 j = 0; j < count; ++j) more[j] = told.proof.leaves[j];
            more[count] = told.proof.leaves[0];
            told.proof.leaves = more;
            _expectError(told, abi.encodeWithSelector(IOneStepProver.BadLeafCount.selector, count, count + 1));
        }
    }

    function test_leaf_hasAnotherIndexOrKind() external {
        Told memory told = _transfer();
        told.proof.leaves[3].index = 1;
        _expectError(told, abi.encodeWithSelector(IOneStepProver.BadLeaf.selector, 3, KIND_AGENT, 2));
        told = _transfer();
        told.proof.leaves[4].kind = uint8(KIND_AGENT);
        _expectError(told, abi.encodeWithSelector(IOneStepProver.BadLeaf.selector, 4, KIND_RECEIPT, 0));
    }

    /// Every other directory leaf is proven as well as the right one, and yet none holds the address.
    function test_lowLeaf_isAnother() external {
        uint256[5] memory others = [uint256(1), 2, 4, 9, (1 << 24) - 1];
        for (uint256 i = 0; i < others.length; ++i) {
            _expectSelector(_depositAfter(others[i], 0), IOneStepProver.BadLowLeaf.selector);
        }
        Told memory told = _deposit();
        told.proof.leaves[1].kind = uint8(KIND_AGENT);
        _expectError(told, abi.encodeWithSelector(IOneStepProver.BadLeaf.selector, 1, KIND_DIRECTORY, 0));
    }

    function testFuzz_lowLeaf_ofAnotherIntervalIsRefused(uint256 shift) external {
        uint256 lowest = _lowestOwner();
        // From the lowest owner up the sentinel is no longer the low leaf.
        shift = lowest - lowest / 2 + shift % (type(uint160).max - lowest);
        _expectSelector(_depositAfter(0, shift), IOneStepProver.BadLowLeaf.selector);
    }

    function testFuzz_batch_isRefusedIfItIsAnother(uint32 l2Time, uint64 queueEnd, uint32 slots, bytes32 dataRoot) external {
        Told memory told = _transfer();
        told.proof.batch.l2Time ^= l2Time;
        told.proof.batch.queueEnd ^= queueEnd;
        told.proof.batch.slots ^= slots;
        told.proof.batch.dataRoot ^= dataRoot;
        if (l2Time == 0 && queueEnd == 0 && slots == 0 && dataRoot == 0) return;
        _expectSelector(told, IOneStepProver.BadBatch.selector);
    }

    function testFuzz_entry_isRefusedIfItIsAnother(uint160 account, uint160 sender, uint64 value, uint32 dueTime) external {
        Told memory told = _deposit();
        told.proof.entry.account = address(uint160(told.proof.entry.account) ^ account);
        told.proof.entry.sender = address(uint160(told.proof.entry.sender) ^ sender);
        told.proof.entry.value ^= value;
        told.proof.entry.dueTime ^= dueTime;
        if (account == 0 && sender == 0 && value == 0 && dueTime == 0) return;
        _expectSelector(told, IOneStepProver.BadEntry.selector);
    }

    function test_batchThatTheInboxDoesNotHave_isRefused() external {
        Told memory told = _transfer();
        prover.setBatchHash(7, 0);
        _expectSelector(told, IOneStepProver.BadBatch.selector);
    }

    function test_inboxWithoutCode_givesNoVerdict() external {
        for (uint256 i = 0; i < 2; ++i) {
            Told memory told = i == 0 ? _transfer() : _deposit();
            told.env.inbox = address(0xdead);
            (bool ok,) = _judge(told);
            require(!ok, "an inbox without code was believed");
        }
    }

    function _step(uint256 which) private returns (Told memory) {
        if (which == 0) return _transfer();
        return which == 1 ? _verification() : _deposit();
    }

    function _expectNoOtherRoot(Told memory told, uint256 place, bytes1 flip) private view {
        bytes memory call = abi.encodeCall(IOneStepProver.proveStep, (told.env, told.preRoot, told.proof));
        // Selector, six words of the environment, the root before, and the offset of the proof.
        uint256 start = 4 + 32 * 8;
        call[start + place % (call.length - start)] ^= flip;
        (bool ok, bytes memory output) = address(prover).staticcall{gas: 5_000_000}(call);
        require(!ok || abi.decode(output, (bytes32)) == told.postRoot, "an altered proof gives another root");
    }
}
