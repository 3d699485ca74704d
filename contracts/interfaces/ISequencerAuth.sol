// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Decides who may submit batches. The Inbox asks it on every batch.
interface ISequencerAuth {
    function isSequencer(address account) external view returns (bool);
}
