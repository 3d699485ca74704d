// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// What a step is judged against, besides the state: given by who trusts the verdict, never by who wants it.
struct StepEnv {
    /// The chain's Inbox: hashes of its batches and entries.
    address inbox;
    /// EIP-712 domain separator of the chain (B-5).
    bytes32 domainSeparator;
    /// Batches of the epoch, exclusive (M-1).
    uint64 batchEnd;
    /// The chain's ChannelAdjudicator: verifying contract of what channels sign, and who is paid when one is exported (CH-*).
    address adjudicator;
    /// Eight fees of 32 bits a word, the first in the most significant bits (R-3).
    uint256[3] feeTable;
}

/// A batch as L1 knows it (B-2).
struct BatchMeta {
    uint32 l2Time;
    uint64 queueEnd;
    uint32 slots;
    bytes32 dataRoot;
}

/// An entry of the forced queue as L1 knows it (B-3).
struct L1Entry {
    uint8 kind;
    address sender;
    address account;
    uint64 value;
    uint32 slots;
    bytes32 dataRoot;
    uint32 dueTime;
}

/// The chunk that holds the slot, and three siblings a level (B-1).
struct SlotOpening {
    bytes chunk;
    bytes32[] siblings;
}

/// A leaf before the step, with the path that is valid once the leaves before it are written (N-4).
struct LeafOpening {
    uint8 kind;
    uint64 index;
    bytes32[4] words;
    bytes32[] siblings;
}

/// Everything a step reads. Parts that it does not read are zero; leaves come in the order in which the rules name them.
struct StepProof {
    BatchMeta batch;
    L1Entry entry;
    SlotOpening slot;
    LeafOpening[] leaves;
}

/// @title The normative transition: one step of the machine
/// @notice A bad operation has a defined outcome; only a bad proof reverts.
interface IOneStepProver {
    /// The batch in the proof is not the one that the Inbox has at `index`.
    error BadBatch(uint64 index, bytes32 given, bytes32 expected);
    /// The entry in the proof is not the one that the Inbox has at `index`.
    error BadEntry(uint64 index, bytes32 given, bytes32 expected);
    /// The slot is not part of the data, or the chunk has another length than its place has.
    error BadChunk(uint256 slot, uint256 slots, uint256 chunkBytes);
    error BadDataRoot(bytes32 given, bytes32 expected);
    /// The rules name another leaf than the proof has at this place.
    error BadLeaf(uint256 place, uint256 kind, uint256 index);
    /// The rules name more leaves than the proof has, or fewer.
    error BadLeafCount(uint256 named, uint256 given);
    /// The directory leaf does not hold the interval of the address (OA-2).
    error BadLowLeaf(uint64 index, address owner);
    error BadSiblings(uint256 place, uint256 given, uint256 expected);
    error BadIndex(uint256 kind, uint256 index);
    /// A leaf does not hash to the state root that is current at its place.
    error BadRoot(uint256 place, bytes32 given, bytes32 expected);
    /// The state says a phase that the machine does not have.
    error BadPhase(uint256 phase);

    /// @param env what the caller vouches for
    /// @param preState state root before the step
    /// @return postState state root after it
    function proveStep(StepEnv calldata env, bytes32 preState, StepProof calldata proof) external view returns (bytes32 postState);
}
