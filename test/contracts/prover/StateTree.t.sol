// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOneStepProver, LeafOpening} from "../../../contracts/interfaces/IOneStepProver.sol";
import {StateProof} from "../../../contracts/libraries/StateProof.sol";
import {Step} from "../../../contracts/libraries/transition/Step.sol";
import {Words, WordsLibrary} from "../../../contracts/types/Words.sol";
import {NaiveState, State} from "./NaiveState.sol";

/// Leaves of every kind, proven and written by the prover's tree and by the naive one.
contract StateTreeTest {
    uint256 private constant FIRST_KIND = 1;
    uint256 private constant LAST_KIND = 9;

    /// Writes `news[i]` into the leaf of `leaves[i]`, which is touched in that order.
    function commit(LeafOpening[] memory leaves, bytes32[4][] memory news, bytes32 root) external pure returns (bytes32) {
        Step memory step;
        step.leaves = leaves;
        step.work = new Words[](leaves.length);
        for (uint256 i = 0; i < news.length; ++i) {
            Words work = step.touch(leaves[i].kind, leaves[i].index);
            bytes32[4] memory words = news[i];
            assembly ("memory-safe") {
                mcopy(work, words, 128)
            }
        }
        return step.commit(root);
    }

    function rootOf(uint256 kind, uint256 index, bytes32[4] calldata leaf, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return StateProof.rootOf(kind, NaiveState.depthOf(kind), index, leaf, siblings);
    }

    function testFuzz_commit_equalsNaiveTree(uint256 seed) external view {
        State memory state = _randomState(seed);
        bytes32 before = state.root();
        uint256 count = 1 + uint256(keccak256(abi.encode(seed, "count"))) % 5;
        LeafOpening[] memory leaves = new LeafOpening[](count);
        bytes32[4][] memory news = new bytes32[4][](count);
        uint256 opened = 0;
        for (uint256 i = 0; i < count; ++i) {
            (uint256 kind, uint256 index) = _place(seed, i);
            if (_isAmong(leaves, opened, kind, index)) continue;
            leaves[opened] = state.open(kind, index);
            Words words = _randomWords(seed, 100 + i);
            news[opened++] = NaiveState.wordsOf(words);
            state.set(kind, index, words);
        }
        assembly ("memory-safe") {
            mstore(leaves, opened)
            mstore(news, opened)
        }
        require(this.commit(leaves, news, before) == state.root(), "the trees differ");
    }

    function testFuzz_withdrawalProof_equalsNaiveTree(uint256 seed) external view {
        State memory state = _randomState(seed);
        (uint256 kind, uint256 index) = _place(seed, 0);
        LeafOpening memory opening = state.open(kind, index);
        require(this.rootOf(kind, index, opening.words, opening.siblings) == state.root(), "the roots differ");
    }

    function testFuzz_commit_refusesAnyOtherBit(uint256 seed, uint256 place, uint8 bit) external view {
        State memory state = _randomState(seed);
        (LeafOpening[] memory leaves, bytes32[4][] memory news) = _openOne(state, seed);
        bytes32 root = state.root();
        place %= leaves[0].siblings.length + 4;
        bytes32 flip = bytes32(uint256(1) << bit);
        if (place < 4) leaves[0].words[place] ^= flip;
        else leaves[0].siblings[place - 4] ^= flip;
        _expectError(leaves, news, root, IOneStepProver.BadRoot.selector);
    }

    function testFuzz_commit_refusesAnotherPlace(uint256 seed, uint64 index) external view {
        State memory state = _randomState(seed);
        (LeafOpening[] memory leaves, bytes32[4][] memory news) = _openOne(state, seed);
        // A leaf that is not zero is at one place only.
        news[0][0] |= bytes32(uint256(1));
        state.set(leaves[0].kind, leaves[0].index, _wordsFrom(news[0]));
        leaves[0] = state.open(leaves[0].kind, leaves[0].index);
        uint256 depth = NaiveState.depthOf(leaves[0].kind);
        uint64 moved = uint64(index % (1 << (2 * depth)));
        if (moved == leaves[0].index) return;
        leaves[0].index = moved;
        _expectError(leaves, news, state.root(), IOneStepProver.BadRoot.selector);
    }

    function testFuzz_commit_refusesProofOfAnotherLength(uint256 seed, uint8 length) external view {
        State memory state = _randomState(seed);
        (LeafOpening[] memory leaves, bytes32[4][] memory news) = _openOne(state, seed);
        bytes32 root = state.root();
        uint256 expected = leaves[0].siblings.length;
        if (length == expected) return;
        bytes32[] memory siblings = new bytes32[](length);
        for (uint256 i = 0; i < length && i < expected; ++i) siblings[i] = leaves[0].siblings[i];
        leaves[0].siblings = siblings;
        _expectError(leaves, news, root, IOneStepProver.BadSiblings.selector);
    }

    function testFuzz_commit_refusesIndexBeyondTheSubtree(uint256 seed, uint64 beyond) external view {
        State memory state = _randomState(seed);
        (LeafOpening[] memory leaves, bytes32[4][] memory news) = _openOne(state, seed);
        uint256 size = 1 << (2 * NaiveState.depthOf(leaves[0].kind));
        leaves[0].index = uint64(size + beyond % (type(uint64).max - size));
        _expectError(leaves, news, state.root(), IOneStepProver.BadIndex.selector);
    }

    function test_commit_refusesKindsThatDoNotExist() external view {
        State memory state = _randomState(1);
        (LeafOpening[] memory leaves, bytes32[4][] memory news) = _openOne(state, 1);
        bytes32 root = state.root();
        for (uint256 kind = 0; kind < 256; ++kind) {
            if (kind >= FIRST_KIND && kind <= LAST_KIND) continue;
            leaves[0].kind = uint8(kind);
            leaves[0].index = 0;
            _expectError(leaves, news, root, IOneStepProver.BadIndex.selector);
        }
    }

    function testFuzz_commit_refusesPathFromBeforeTheWriteBeforeIt(uint256 seed) external view {
        State memory state = _randomState(seed);
        bytes32 root = state.root();
        LeafOpening[] memory leaves = new LeafOpening[](2);
        bytes32[4][] memory news = new bytes32[4][](2);
        // Both are taken before the first is written.
        (leaves[0], leaves[1]) = (state.open(2, 5), state.open(2, 6));
        (news[0][1], news[1][1]) = (keccak256("one"), keccak256("two"));
        _expectError(leaves, news, root, IOneStepProver.BadRoot.selector);
    }

    function testFuzz_commit_refusesLeavesThatNobodyNamed(uint256 seed) external view {
        State memory state = _randomState(seed);
        (LeafOpening[] memory leaves,) = _openOne(state, seed);
        bytes32 root = state.root();
        _expectError(leaves, new bytes32[4][](0), root, IOneStepProver.BadLeafCount.selector);
        LeafOpening[] memory twice = new LeafOpening[](2);
        (twice[0], twice[1]) = (leaves[0], leaves[0]);
        _expectError(twice, new bytes32[4][](2), root, IOneStepProver.BadLeafCount.selector);
    }

    function test_emptyState_hasTheGenesisRoot() external pure {
        State memory state;
        bytes32 zero = 0;
        require(state.root() == keccak256(abi.encodePacked(zero, zero, zero, zero, uint8(255))), "genesis is another");
    }

    function _expectError(LeafOpening[] memory leaves, bytes32[4][] memory news, bytes32 root, bytes4 selector) private view {
        try this.commit(leaves, news, root) {
            revert("a bad proof was taken");
        } catch (bytes memory output) {
            require(bytes4(output) == selector, "refused for another reason");
        }
    }

    function _openOne(State memory state, uint256 seed)
        private
        pure
        returns (LeafOpening[] memory leaves, bytes32[4][] memory news)
    {
        (uint256 kind, uint256 index) = _place(seed, 0);
        leaves = new LeafOpening[](1);
        news = new bytes32[4][](1);
        leaves[0] = state.open(kind, index);
        news[0] = NaiveState.wordsOf(_randomWords(seed, 50));
    }

    /// A few leaves, close to one another and far apart.
    function _randomState(uint256 seed) private pure returns (State memory state) {
        for (uint256 i = 0; i < 8; ++i) {
            (uint256 kind, uint256 index) = _place(seed, i);
            state.set(kind, index, _randomWords(seed, i));
        }
    }

    function _place(uint256 seed, uint256 salt) private pure returns (uint256 kind, uint256 index) {
        uint256 random = uint256(keccak256(abi.encode(seed, salt, "place")));
        kind = FIRST_KIND + random % LAST_KIND;
        uint256 size = 1 << (2 * NaiveState.depthOf(kind));
        random >>= 16;
        // Every second one is among the first 16 or the last 16 leaves, so that paths meet.
        if (random & 1 == 0) index = (random >> 8) % size;
        else index = random & 2 == 0 ? (random >> 8) % 16 % size : size - 1 - (random >> 8) % 16 % size;
    }

    /// Some words are zero, and every eighth leaf is.
    function _randomWords(uint256 seed, uint256 salt) private pure returns (Words words) {
        uint256 random = uint256(keccak256(abi.encode(seed, salt, "words")));
        bytes32[4] memory values;
        if (random & 7 != 0) {
            for (uint256 i = 0; i < 4; ++i) {
                if ((random >> (8 + i)) & 1 == 0) values[i] = keccak256(abi.encode(random, i));
            }
        }
        return _wordsFrom(values);
    }

    function _wordsFrom(bytes32[4] memory values) private pure returns (Words words) {
        words = WordsLibrary.create();
        assembly ("memory-safe") {
            mcopy(words, values, 128)
        }
    }

    function _isAmong(LeafOpening[] memory leaves, uint256 count, uint256 kind, uint256 index) private pure returns (bool) {
        for (uint256 i = 0; i < count; ++i) {
            if (leaves[i].kind == kind && leaves[i].index == index) return true;
        }
        return false;
    }
}
