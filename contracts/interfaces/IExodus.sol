// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {L1Entry, LeafOpening} from "./IOneStepProver.sol";

/// Parameters of one chain's Exodus, fixed when the chain is created.
struct ExodusConfig {
    address inbox;
    address settlement;
    address bridge;
    /// Gets the fees that were not swept. Zero only on chains without fees.
    address feeRecipient;
    /// How long something has to be pending without a confirmation: twice the longest dispute, and all of the guardian's time.
    uint64 delaySeconds;
    /// Between `finalise` and the first payout: the time in which a guardian can still ask for a delay.
    uint32 payoutDelaySeconds;
    /// The chain's ChannelAdjudicator: channels go on there.
    address adjudicator;
}

/// The way out of a chain that stands still: everyone is paid from its last confirmed state, with a proof, and nobody is needed for it.
/// Final: a chain that was declared dead never runs again.
interface IExodus {
    event Declared(uint64 pendingSince);
    /// From now on `stateRoot`, the last confirmed state, is what payouts are proven against.
    event Finalised(bytes32 indexed claimId, bytes32 stateRoot, uint64 payableAt);

    /// Nothing waits: an idle chain lives on. Whoever wants out forces something first.
    error NothingPending();
    error TooEarly(uint256 declarableAt);
    error AlreadyDeclared(uint64 declaredAt);
    error NotDeclared();
    /// Claims of a round under the last confirmed one can still be confirmed, or only wait for the call.
    error RoundOpen(bytes32 parentClaim, uint32 round);
    error AlreadyFinalised(bytes32 claimId);
    error NotFinalised();
    error PayoutDelayed(uint256 payableAt);
    /// The leaf at this place (0: the one to pay) is not in the state.
    error BadProof(uint256 place, bytes32 computedRoot, bytes32 stateRoot);
    /// The rules need another leaf at this place.
    error WrongLeaf(uint256 place, uint8 kind, uint64 index);
    /// The rules need more context leaves, or fewer.
    error WrongContext(uint256 given, uint256 needed);
    /// Leaves of this kind hold no money.
    error KindNotPaid(uint8 kind);
    error NothingOwed(uint8 kind, uint64 index);
    error BadEntry(uint64 index, bytes32 given, bytes32 expected);
    error NotDeposit(uint64 index);
    /// The state has this entry in it: the money is in some leaf of it.
    error EntryConsumed(uint64 index, uint64 inboxCursor);

    /// Since when something waits: the oldest entry that no batch took, or the first batch of the oldest epoch that is not
    /// confirmed, whichever is older. 0: nothing does.
    function pendingSince() external view returns (uint64);

    /// When `declare` starts to work as things stand; 0 while nothing is pending.
    function declarableAt() external view returns (uint256);

    /// Declares the chain dead, for good. Anyone may, once something has been pending and nothing was confirmed for `delaySeconds`.
    /// Stops batches, entries and new rounds of claims. Rounds that are open go on in full, rivals included, and so do withdrawals.
    function declare() external;

    /// Fixes the state that payouts are proven against, once no claim can be confirmed any more. Anyone may.
    function finalise() external;

    /// Pays what a leaf of the state is worth to whom it belongs to, once. Anyone may.
    ///
    ///     leaf                       worth              to                                        context
    ///     AGENT                      its balance        its owner
    ///     INVOCATION, OPEN           its price          owner of its requester                    AGENT requester
    ///     INVOCATION, ANSWERED       its price          owner of its provider                     AGENT provider
    ///     INVOCATION of a workflow   its price          SUCCEEDED, or OPEN with all answered:     WORKFLOW, AGENT
    ///                                                   its provider's owner; else its requester's
    ///     WORKFLOW                   its escrow left    owner of its agent                        AGENT owner
    ///     SYSTEM 0 (MACHINE)         the fee balance    `feeRecipient`
    ///     WITHDRAWAL                 its amount         its recipient, if `Bridge.withdraw` did not pay it
    ///     CHANNEL                    both deposits      the ChannelAdjudicator, where it goes on OPEN     AGENT a, AGENT b
    function payLeaf(LeafOpening calldata leaf, LeafOpening[] calldata context) external;

    /// Gives a deposit back to its sender that the state does not know yet. Anyone may.
    /// @param entry the entry as it was queued
    /// @param machine the state's MACHINE leaf, which says how many entries it knows
    function refundDeposit(uint64 index, L1Entry calldata entry, LeafOpening calldata machine) external;

    function declaredAt() external view returns (uint64);
    /// L1 time of the first payout; 0 before `finalise`.
    function payableAt() external view returns (uint64);
    function stateRoot() external view returns (bytes32);
    /// The claim that says so; the genesis claim if none was ever confirmed.
    function claimId() external view returns (bytes32);
    function config() external view returns (ExodusConfig memory);
}
