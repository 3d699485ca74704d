// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyMeter} from "./IBountyMeter.sol";

/// Whose batches are counted, and from where on.
struct Watch {
    address settlement;
    uint32 silenceSeconds;
    uint32 graceSeconds;
    uint32 slotSeconds;
    address sequencerSet;
    /// L1 time of the award.
    uint64 beganAt;
    address inbox;
    /// Counted batches that were submitted before.
    uint64 before;
    address operator;
}

/// Measures a sequencer by its counted batches in confirmed epochs (docs/BOUNTIES.md, sections 2 and 6). `params` of `begin` are
/// `abi.encode(address settlement, address sequencerSet, uint32 silenceSeconds, uint32 graceSeconds)`.
///
/// One for all boards and chains: it keeps no money, and what it is told to ask is part of the bounty's terms. A settlement or set that
/// reverts, lies or burns its gas does so to the bounties that name it.
///
/// Failed: slashed in the set; or, `graceSeconds` after the award, without a counted batch for `silenceSeconds` and for so long that a
/// slot of its own has passed. Never on a chain that was declared dead.
interface IBatchMeter is IBountyMeter {
    event Begun(address indexed board, uint256 indexed id, address indexed operator, uint256 before);

    /// The set counts batches of another chain than the settlement confirms.
    error WrongInbox(address setInbox, address settlementInbox);

    /// All zero for a bounty that never began.
    function watchOf(address board, uint256 id) external view returns (Watch memory);
}
