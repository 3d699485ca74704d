// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Parameters of one chain's Inbox, fixed when the chain is created.
struct InboxConfig {
    /// The chain's Bridge, the only one that may queue deposits.
    address bridge;
    /// Who may submit batches while `sequencerAuth` is zero. Zero: anyone.
    address sequencer;
    /// Contract that is asked who may submit (`ISequencerAuth`). Zero: `sequencer` decides.
    address sequencerAuth;
    /// ERC-8004 identity registry for LINK_AGENT. Zero: linking is off.
    address identityRegistry;
    /// L1 account that `sweepFees` sends the chain's fees to. Zero: sweeping is off.
    address feeRecipient;
    /// Seconds until a queued entry has to be consumed.
    uint32 inclusionDelaySeconds;
    /// An epoch closes once it holds this many steps (RULES M-9) ...
    uint64 epochSteps;
    /// ... or once its first batch is this many seconds old.
    uint32 epochAgeSeconds;
    /// Price in wei of one forced slot while the queue is empty.
    uint96 forcedSlotFeeWei;
    /// The chain's Exodus, the only one that may stop it.
    address exodus;
}

/// The data of a chain: batches, the queue of entries from L1, and the epochs that claims are made about.
/// Nothing in it can be changed or removed, and it never pays anything out. Once the chain is declared dead, nothing is added.
interface IInbox {
    /// A batch was appended. Its slots, if it has any, are in the `BatchData` of the same index.
    event BatchSubmitted(
        uint64 indexed index,
        bytes32 batchHash,
        uint32 l2Time,
        uint64 queueEnd,
        uint32 slots,
        bytes32 dataRoot,
        bytes32 accumulator
    );
    /// The slots of a batch, packed (RULES B-7), in an event of their own so that headers can be read without them. An event and not
    /// the transaction's calldata, because a contract may have submitted the batch: whoever reads logs can derive the chain.
    event BatchData(uint64 indexed index, bytes packed);
    /// An entry was queued: `kind` is an entry opcode of the specification, `value` in units or an agent's id.
    event EntryQueued(
        uint64 indexed index,
        uint8 kind,
        address sender,
        address account,
        uint64 value,
        uint32 slots,
        bytes32 dataRoot,
        uint32 dueTime
    );
    /// The slots of a forced entry. An event, because a contract may have forced them.
    event ForcedData(uint64 indexed index, bytes data);
    /// An epoch ended before batch `batchEnd`; its trace has `steps` steps (RULES M-9).
    event EpochClosed(uint64 indexed epoch, uint64 batchEnd, uint64 steps);
    /// The chain was declared dead: this was the last of it.
    event ChainStopped();

    error NotBridge(address caller);
    error NotExodus(address caller);
    /// The chain was declared dead: no batch and no entry is taken any more (see `IExodus`).
    error Stopped();
    error NotSequencer(address caller);
    /// The batch would end at another accumulator than its submitter computed: it was submitted already, or stands on another history.
    error AccumulatorMismatch(bytes32 actual, bytes32 expected);
    /// Data are whole 96-byte slots.
    error LengthNotSlots(uint256 length);
    error L2TimeBackwards(uint32 l2Time, uint32 last);
    error L2TimeAhead(uint32 l2Time, uint256 latest);
    error L2TimeBehind(uint32 l2Time, uint256 earliest);
    error QueueEndBackwards(uint64 queueEnd, uint64 consumed);
    error QueueEndBeyond(uint64 queueEnd, uint64 entries);
    /// Entry `index` is due at the batch's time and was left out.
    error EntryDue(uint64 index, uint32 dueTime, uint32 l2Time);
    error EpochOpen(uint64 epoch);
    error EpochNotClosed(uint64 epoch);
    error ForcedSlots(uint256 slots);
    error ForcedFee(uint256 sentWei, uint256 feeWei);
    error RefundFailed(address to, uint256 amountWei);
    error LinkingDisabled();
    error NotAgentOwner(address caller, uint256 agentId);
    error AgentIdTooLarge(uint256 agentId);
    error SweepingDisabled();
    /// The last sweep, entry `index`, has not been consumed yet.
    error SweepPending(uint64 index);

    /// Appends a batch (RULES B-1, B-2) that consumes the queue up to `queueEnd` (exclusive). Closes the epoch when it is full or old.
    /// @param l2Time the chain's time: not before the last batch's, at most 15 s ahead of L1 and 24 h behind.
    /// @param expectedAccumulator the accumulator (RULES B-6) that the submitter computed for the end of this batch. It binds all batches
    /// and consumed entries so far, so that a batch lands once, at its place, on the history it was made on, or not at all.
    /// @param data whole slots, possibly none.
    function submitBatch(uint32 l2Time, uint64 queueEnd, bytes32 expectedAccumulator, bytes calldata data) external;

    /// Closes the open epoch if it is full or old enough. Anyone may.
    function closeEpoch() external;

    /// Queues a DEPOSIT of `units` to `account`; only for the Bridge.
    function enqueueDeposit(address sender, address account, uint64 units) external returns (uint64 index);

    /// Queues 1 to 64 slots of bundles that the sequencer has to execute by the due time. The fee is burned, what was sent above it goes back.
    function force(bytes calldata slots) external payable returns (uint64 index);

    /// Queues LINK_AGENT: the caller's account is tied to an ERC-8004 agent that it owns or may act for.
    function linkAgent(uint256 agentId) external returns (uint64 index);

    /// Queues SWEEP_FEES to the configured recipient. Anyone may; one at a time.
    function sweepFees() external returns (uint64 index);

    /// Takes no batch and no entry from now on; only for the Exodus.
    function stop() external;

    /// The price in wei of forcing `slots` slots now. It grows with the number of entries that wait.
    function forcedFee(uint256 slots) external view returns (uint256);

    function batchCount() external view returns (uint64);
    function entryCount() external view returns (uint64);
    /// How many entries batches have consumed.
    function consumedCount() external view returns (uint64);
    /// L2 time of the last batch.
    function lastL2Time() external view returns (uint32);
    /// Zero for a batch that does not exist.
    function batchHash(uint64 index) external view returns (bytes32);
    /// RULES B-3. Zero for an entry that does not exist.
    function entryHash(uint64 index) external view returns (bytes32);
    /// Chains every batch and every entry, in the order in which they are executed.
    function accumulator() external view returns (bytes32);
    function epochCount() external view returns (uint64);
    /// The batch (exclusive) that a closed epoch ends before.
    function epochEnd(uint64 epoch) external view returns (uint64);
    /// The number of steps of a closed epoch's trace.
    function epochTrace(uint64 epoch) external view returns (uint64);
    /// The accumulator when the epoch closed.
    function epochAccumulator(uint64 epoch) external view returns (bytes32);
    /// L1 time of the first batch of an epoch, which may be the open one; 0 if that has none.
    function openedAtOf(uint64 epoch) external view returns (uint64);
    /// L1 time at which the oldest entry was queued that no batch consumed; 0 if there is none.
    function oldestEntryAt() external view returns (uint64);
    function isStopped() external view returns (bool);
    /// EIP-712 domain of the chain's bundles (RULES B-5).
    function domainSeparator() external view returns (bytes32);
    function config() external view returns (InboxConfig memory);
}
