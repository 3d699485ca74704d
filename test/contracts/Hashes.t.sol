// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DataRoot} from "../../contracts/libraries/DataRoot.sol";
import {EntryHash} from "../../contracts/libraries/EntryHash.sol";
import {PackedSlots} from "../../contracts/libraries/PackedSlots.sol";
import {StateProof} from "../../contracts/libraries/StateProof.sol";
import {PlainDataRoot} from "./invariants/PlainDataRoot.sol";
import {WithdrawalTree} from "./invariants/WithdrawalTree.sol";

/// The hashes of the inbox and the bridge against plain versions of the same rules.
contract HashesTest {
    uint256 private constant CHUNK_BYTES = 42 * 96;

    function dataRoot(bytes calldata data) external pure returns (bytes32) {
        return DataRoot.compute(data);
    }

    function packed(bytes calldata slots) external pure returns (bytes memory first, bytes memory second) {
        first = PackedSlots.pack(slots);
        second = PackedSlots.pack(slots);
    }

    function stateRoot(uint256 index, bytes32[4] calldata leaf, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return StateProof.rootOf(9, 16, index, leaf, siblings);
    }

    function testFuzz_dataRoot_agreesWithPlainTree(uint16 length, bytes32 seed) public view {
        bytes memory data = new bytes(uint256(length) % 40_000);
        for (uint256 i = 0; i < data.length; i += 1 + (i % 97)) data[i] = seed[i % 32];
        require(this.dataRoot(data) == PlainDataRoot.rootOf(data), "data root");
    }

    function test_dataRoot_leavesMemoryAlone() public view {
        // Whatever lies behind the free memory pointer must not change the result.
        bytes memory data = new bytes(5 * CHUNK_BYTES);
        bytes32 first = this.dataRoot(data);
        assembly {
            for { let i := 0 } lt(i, 0x4000) { i := add(i, 32) } { mstore(add(mload(0x40), i), not(0)) }
        }
        require(this.dataRoot(data) == first, "dirty memory");
        require(this.dataRoot("") == 0, "no data");
    }

    function testFuzz_packedSlots_holdEveryWordOnce(uint8 count, bytes32 seed) public view {
        bytes32[] memory words = new bytes32[](3 * uint256(count));
        for (uint256 i = 0; i < words.length; ++i) {
            bytes32 noise = keccak256(abi.encode(seed, i));
            if (uint256(noise) % 3 > 0) words[i] = uint256(noise) % 5 == 0 ? bytes32(uint256(1) << (uint256(noise) >> 248)) : noise;
        }
        (bytes memory packed_, bytes memory again) = this.packed(abi.encodePacked(words));
        require(keccak256(packed_) == keccak256(again), "memory");
        uint256 next = 0;
        bytes32 bitmap;
        for (uint256 i = 0; i < words.length; ++i) {
            if (i % 255 == 0) bitmap = _word(packed_, next++);
            bool isSet = uint256(bitmap << (i % 255)) >> 255 == 1;
            require((isSet ? _word(packed_, next++) : bytes32(0)) == words[i] && isSet == (words[i] != 0), "word");
            if (i % 255 == 254 || i + 1 == words.length) require(bitmap << (1 + (i % 255)) == 0, "unused bits");
        }
        require(packed_.length == 32 * next, "length");
    }

    function testFuzz_entryHash_keepsSlotsAndDueTimeReadable(
        uint8 kind,
        address sender,
        address account,
        uint64 value,
        uint8 slots,
        bytes32 root,
        uint32 dueTime
    ) public pure {
        bytes32 hash = EntryHash.compute(kind, sender, account, value, slots, root, dueTime);
        require(EntryHash.slotsOf(hash) == slots && EntryHash.dueTimeOf(hash) == dueTime, "fields");
        bytes32 full = keccak256(abi.encode(kind, sender, account, value, uint32(slots), root, dueTime));
        require(uint256(hash) >> 40 == uint256(full) >> 40, "hash");
    }

    function testFuzz_stateProof_agreesWithPlainTree(uint8 count, uint8 index, uint64 units) public view {
        uint256 leaves = 1 + (uint256(count) % 30);
        uint256 opened = uint256(index) % leaves;
        bytes32[4][] memory words = new bytes32[4][](leaves);
        for (uint256 i = 0; i < leaves; ++i) words[i] = WithdrawalTree.leafOf(address(uint160(i + 1)), units ^ uint64(i));
        (bytes32 root, bytes32[] memory siblings) = WithdrawalTree.open(words, opened);
        require(this.stateRoot(opened, words[opened], siblings) == root, "state root");
        if (leaves > 1) require(this.stateRoot((opened + 1) % leaves, words[opened], siblings) != root, "another place");
    }

    function _word(bytes memory bytes_, uint256 index) private pure returns (bytes32 word) {
        require(bytes_.length >= 32 * (index + 1), "too short");
        assembly {
            word := mload(add(add(bytes_, 32), shl(5, index)))
        }
    }
}
