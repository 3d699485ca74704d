// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Decides who may submit batches.
interface ISequencerAuth {
    /// The Inbox calls it before each batch, with who submits it and the index it will have. It may write down what it needs.
    /// @return whether the submitter may; the Inbox reverts if not
    function onBatch(address submitter, uint64 batchIndex) external returns (bool);

    /// Whether the account could submit a batch in a block of this time. Nothing relies on it but programs that want to know.
    function isSequencer(address account) external view returns (bool);
}
