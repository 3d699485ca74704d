// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOneStepProver, SlotOpening} from "../../../contracts/interfaces/IOneStepProver.sol";
import {DataRoot} from "../../../contracts/libraries/DataRoot.sol";
import {SlotReader} from "../../../contracts/libraries/SlotReader.sol";
import {Words} from "../../../contracts/types/Words.sol";
import {NaiveState} from "./NaiveState.sol";

/// Batch data as B-1 says it: the root that the Inbox computes, and the slots that the prover opens from it.
contract SlotOpeningTest {
    uint256 private constant SLOT = 96;
    uint256 private constant CHUNK = 42 * SLOT;

    function dataRoot(bytes calldata data) external pure returns (bytes32) {
        return DataRoot.compute(data);
    }

    function read(SlotOpening calldata opening, uint256 index, uint256 slots, bytes32 root)
        external
        pure
        returns (bytes32[3] memory slot)
    {
        Words record = SlotReader.read(opening, index, slots, root);
        assembly ("memory-safe") {
            mcopy(slot, record, 96)
        }
    }

    function test_dataRoot_ofNothingIsZeroAndOfOneChunkItsHash() external view {
        require(this.dataRoot("") == 0, "no slots");
        bytes memory data = _data(1, 42);
        require(this.dataRoot(data) == keccak256(data), "one chunk");
    }

    function test_slots_areReadAtEveryEdge() external view {
        uint16[13] memory counts = [1, 2, 41, 42, 43, 84, 85, 168, 169, 210, 211, 672, 673];
        for (uint256 i = 0; i < counts.length; ++i) {
            bytes memory data = _data(i, counts[i]);
            bytes32 root = this.dataRoot(data);
            require(root == _naiveRoot(data), "the roots differ");
            _expectSlot(data, root, 0);
            _expectSlot(data, root, counts[i] - 1);
            _expectSlot(data, root, counts[i] / 2);
            if (counts[i] > 42) {
                _expectSlot(data, root, 41);
                _expectSlot(data, root, 42);
            }
        }
    }

    function testFuzz_slot_isReadFromDataOfAnyLength(uint256 seed, uint16 slots, uint256 index) external view {
        bytes memory data = _data(seed, 1 + slots % 900);
        bytes32 root = this.dataRoot(data);
        require(root == _naiveRoot(data), "the roots differ");
        _expectSlot(data, root, index % (data.length / SLOT));
    }

    function testFuzz_slot_isRefusedBeyondTheData(uint256 seed, uint8 slots, uint256 beyond) external view {
        bytes memory data = _data(seed, slots);
        SlotOpening memory opening = _open(data, 0);
        uint256 index = slots + beyond % (type(uint256).max - slots);
        _expectError(opening, index, slots, this.dataRoot(data), IOneStepProver.BadChunk.selector);
    }

    function testFuzz_chunk_isRefusedWithAnotherLength(uint256 seed, uint8 slots, uint16 length) external view {
        uint256 count = 1 + uint256(slots);
        bytes memory data = _data(seed, count);
        uint256 index = seed % count;
        SlotOpening memory opening = _open(data, index);
        uint256 size = length % (2 * CHUNK);
        if (size == opening.chunk.length) return;
        opening.chunk = new bytes(size);
        _expectError(opening, index, count, this.dataRoot(data), IOneStepProver.BadChunk.selector);
    }

    function testFuzz_chunk_isRefusedWithAnotherByte(uint256 seed, uint8 slots, uint16 place, uint8 bit) external view {
        uint256 count = 1 + uint256(slots);
        bytes memory data = _data(seed, count);
        uint256 index = seed % count;
        SlotOpening memory opening = _open(data, index);
        opening.chunk[place % opening.chunk.length] ^= bytes1(uint8(1 << (bit & 7)));
        _expectError(opening, index, count, this.dataRoot(data), IOneStepProver.BadDataRoot.selector);
    }

    function testFuzz_path_isRefusedWithAnotherLength(uint256 seed, uint16 slots, uint8 length) external view {
        uint256 count = 1 + slots % 800;
        bytes memory data = _data(seed, count);
        SlotOpening memory opening = _open(data, seed % count);
        if (length == opening.siblings.length) return;
        opening.siblings = new bytes32[](length);
        _expectError(opening, seed % count, count, this.dataRoot(data), IOneStepProver.BadSiblings.selector);
    }

    function testFuzz_path_isRefusedWithAnotherSibling(uint256 seed, uint16 slots, uint8 place) external view {
        uint256 count = 43 + slots % 800;
        bytes memory data = _data(seed, count);
        SlotOpening memory opening = _open(data, seed % count);
        opening.siblings[place % opening.siblings.length] ^= bytes32(uint256(1));
        _expectError(opening, seed % count, count, this.dataRoot(data), IOneStepProver.BadDataRoot.selector);
    }

    /// The chunk of another place is no proof of this one, however alike they are.
    function testFuzz_chunk_isRefusedAtAnotherPlace(uint256 seed, uint8 more) external view {
        uint256 count = 42 * (2 + uint256(more) % 15);
        bytes memory data = _data(seed, count);
        uint256 chunks = count / 42;
        uint256 place = seed % chunks;
        uint256 other = (place + 1 + (seed >> 128) % (chunks - 1)) % chunks;
        _expectError(
            _open(data, 42 * place), 42 * other, count, this.dataRoot(data), IOneStepProver.BadDataRoot.selector
        );
    }

    function _expectSlot(bytes memory data, bytes32 root, uint256 index) private view {
        bytes32[3] memory slot = this.read(_open(data, index), index, data.length / SLOT, root);
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 word;
            assembly ("memory-safe") {
                word := mload(add(add(data, 32), add(mul(index, 96), mul(i, 32))))
            }
            require(slot[i] == word, "another slot");
        }
    }

    function _expectError(SlotOpening memory opening, uint256 index, uint256 slots, bytes32 root, bytes4 selector)
        private
        view
    {
        try this.read(opening, index, slots, root) {
            revert("a bad opening was taken");
        } catch (bytes memory output) {
            require(bytes4(output) == selector, "refused for another reason");
        }
    }

    function _naiveRoot(bytes memory data) private pure returns (bytes32) {
        bytes32[] memory level = _chunkHashes(data);
        while (level.length > 1) level = _above(level);
        return level.length == 0 ? bytes32(0) : level[0];
    }

    function _open(bytes memory data, uint256 index) private pure returns (SlotOpening memory opening) {
        uint256 place = index / 42;
        uint256 start = place * CHUNK;
        uint256 end = start + CHUNK < data.length ? start + CHUNK : data.length;
        opening.chunk = _slice(data, start, end);
        bytes32[] memory level = _chunkHashes(data);
        bytes32[] memory siblings = new bytes32[](30);
        uint256 next = 0;
        while (level.length > 1) {
            for (uint256 i = place & ~uint256(3); i <= place | 3; ++i) {
                if (i != place) siblings[next++] = i < level.length ? level[i] : bytes32(0);
            }
            level = _above(level);
            place >>= 2;
        }
        assembly ("memory-safe") {
            mstore(siblings, next)
        }
        opening.siblings = siblings;
    }

    function _chunkHashes(bytes memory data) private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[]((data.length + CHUNK - 1) / CHUNK);
        for (uint256 i = 0; i < hashes.length; ++i) {
            uint256 end = (i + 1) * CHUNK < data.length ? (i + 1) * CHUNK : data.length;
            hashes[i] = keccak256(_slice(data, i * CHUNK, end));
        }
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory above) {
        above = new bytes32[]((level.length + 3) / 4);
        bytes32[4] memory children;
        for (uint256 i = 0; i < above.length; ++i) {
            for (uint256 child = 0; child < 4; ++child) {
                children[child] = 4 * i + child < level.length ? level[4 * i + child] : bytes32(0);
            }
            above[i] = NaiveState.node(children[0], children[1], children[2], children[3], 0);
        }
    }

    function _slice(bytes memory data, uint256 start, uint256 end) private pure returns (bytes memory part) {
        part = new bytes(end < start ? 0 : end - start);
        assembly ("memory-safe") {
            mcopy(add(part, 32), add(add(data, 32), start), mload(part))
        }
    }

    function _data(uint256 seed, uint256 slots) private pure returns (bytes memory data) {
        data = new bytes(slots * SLOT);
        for (uint256 offset = 0; offset < data.length; offset += 32) {
            assembly ("memory-safe") {
                mstore(0, seed)
                mstore(32, offset)
                mstore(add(add(data, 32), offset), keccak256(0, 64))
            }
        }
    }
}
