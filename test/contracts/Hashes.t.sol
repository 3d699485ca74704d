// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DataRoot} from "../../contracts/libraries/DataRoot.sol";
import {EntryHash} from "../../contracts/libraries/EntryHash.sol";
import {StateProof} from "../../contracts/libraries/StateProof.sol";
import {WithdrawalTree} from "./invariants/WithdrawalTree.sol";

/// The hashes of the inbox and the bridge against plain versions of the same rules.
contract HashesTest {
    uint256 private constant CHUNK_BYTES = 42 * 96;

    function dataRoot(bytes calldata data) external pure returns (bytes32) {
        return DataRoot.compute(data);
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
        require(this.dataRoot(data) == _plainRoot(data), "data root");
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

    /// RULES B-1, word by word.
    function _plainRoot(bytes memory data) private pure returns (bytes32) {
        bytes32[] memory level = new bytes32[]((data.length + CHUNK_BYTES - 1) / CHUNK_BYTES);
        for (uint256 i = 0; i < level.length; ++i) {
            uint256 start = i * CHUNK_BYTES;
            uint256 size = data.length - start < CHUNK_BYTES ? data.length - start : CHUNK_BYTES;
            bytes memory chunk = new bytes(size);
            for (uint256 j = 0; j < size; ++j) chunk[j] = data[start + j];
            level[i] = keccak256(chunk);
        }
        while (level.length > 1) {
            bytes32[] memory above = new bytes32[]((level.length + 3) / 4);
            for (uint256 i = 0; i < above.length; ++i) {
                bytes32[4] memory four;
                for (uint256 j = 0; j < 4; ++j) if (4 * i + j < level.length) four[j] = level[4 * i + j];
                above[i] = WithdrawalTree.node(four[0], four[1], four[2], four[3], 0);
            }
            level = above;
        }
        return level.length == 0 ? bytes32(0) : level[0];
    }
}
