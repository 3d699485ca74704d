// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISequencerAuth} from "./ISequencerAuth.sol";

/// Parameters of one chain's SequencerSet, fixed when the chain is created.
struct SequencerSetConfig {
    /// The chain's Inbox: heads are signed for it, and it alone reports batches.
    address inbox;
    /// What an operator puts up, exactly.
    uint96 operatorBondWei;
    /// Length of a slot; slot n begins at n * slotSeconds.
    uint32 slotSeconds;
    /// After so long without a batch of an operator anyone may submit.
    uint32 vacancySeconds;
    /// How long a leader may still submit into the slot after its own.
    uint32 graceSeconds;
    /// Between leaving and being paid: at least twice the longest dispute, and slashable all the time.
    uint64 unbondingSeconds;
}

/// A promise of a sequencer: after its slot's records up to `position`, the chain of bundle groups stands at `head`.
struct Head {
    uint64 slot;
    uint64 position;
    bytes32 head;
}

/// An operator. Zero everywhere but in `isSlashed` for an address that is none.
struct Operator {
    /// Key that signs heads.
    address signer;
    /// L1 time of joining. Heads of earlier slots, and of that one, are not held against it.
    uint64 joinedAt;
    /// Place in the rotation plus one; 0 after leaving.
    uint32 place;
    /// When the bond is paid out at the earliest; 0 before leaving.
    uint64 payableAt;
    /// For good: a slashed address does not come back.
    bool isSlashed;
}

/// Who may submit batches: operators with a bond, in turns. Nobody may be kept out: whoever bonds is an operator, and when no operator
/// does its work, anyone may do it. Bonds answer for signed heads. See docs/DISPUTES.md, section 7.
///
/// Turns. The leaders of this slot and of the next are fixed before anybody can join or leave in this one; joining goes to the end of
/// the row, leaving puts the last of the row into the gap.
interface ISequencerSet is ISequencerAuth {
    event Joined(address indexed operator, address indexed signer);
    event Unbonding(address indexed operator, uint64 payableAt);
    event BondPaid(address indexed operator, address to);
    event Slashed(address indexed operator, address indexed reporter, uint256 rewardWei, uint256 burnedWei);

    error NotInbox(address caller);
    error WrongBond(uint256 sentWei, uint256 bondWei);
    error ZeroSigner();
    error AlreadyOperator(address operator);
    /// Slashed addresses stay out.
    error OperatorSlashed(address operator);
    error NotOperator(address operator);
    error AlreadyUnbonding(address operator);
    error BondLocked(address operator, uint64 payableAt);
    /// The two heads are no contradiction: another slot or position, or the same head.
    error NoContradiction();
    /// Signed in a slot for which the operator's bond does not answer: not after the one that it joined in.
    error SlotBeforeBond(uint64 slot, uint64 joinedSlot);
    error NotSignedBy(address signer);
    // And those of EtherCredit: `NoCredit`, `NothingBurned`, `PaymentFailed`.

    /// Makes the caller an operator; needs exactly the bond. It leads from the slot after the next at the earliest.
    /// @param signer key that signs the operator's heads; it may be the caller's
    function join(address signer) external payable;

    /// The caller's turns end at once. Its bond is payable after `unbondingSeconds` and answers for heads until it is paid.
    function unbond() external;

    /// Pays the caller's bond to `to` once it is payable.
    function withdraw(address to) external;

    /// Slashes an operator that signed two different heads for one slot and position: half of the bond is credited to the caller, the
    /// rest is burned. Once for each operator. `sigA` and `sigB`: 64 bytes, EIP-2098, over EIP-712 `Head(slot, position, head)`
    /// in the Inbox's domain.
    function reportHeads(address operator, Head calldata a, bytes calldata sigA, Head calldata b, bytes calldata sigB) external;

    /// Pays the caller's credit to `to`.
    function withdrawCredit(address to) external;

    /// Sends what is burned to the burn address. Anyone may.
    function withdrawBurned() external;

    function operators(address operator) external view returns (Operator memory);
    function operatorCount() external view returns (uint256);
    function operatorAt(uint256 place) external view returns (address);
    /// Who leads a slot, or zero if nobody: any operator may submit in it then. Known from the slot before this one on; later than the
    /// next, as it stands.
    function leaderOf(uint64 slot) external view returns (address);
    /// Whether the account may submit in a block of that time, if nothing else happens before. For times from the last block's on.
    function maySubmitAt(address account, uint64 time) external view returns (bool);
    /// Slot of this time.
    function currentSlot() external view returns (uint64);
    /// L1 time of the last batch of an operator, or of the first operator's joining if that was later.
    function activeAt() external view returns (uint64);
    /// The last slot in which its leader submitted.
    function ledSlot() external view returns (uint64);
    /// How many counted batches of an account have an index below `batchEnd`. The first batch that an operator submits in a slot counts;
    /// more in one slot are needed by traffic and count once, and strangers' batches do not count. With `batchEnd` the end of a confirmed
    /// epoch: work that is confirmed. Never less than before; leaving or being slashed takes nothing away.
    function workOf(address operator, uint64 batchEnd) external view returns (uint256);
    /// L1 time of an account's last counted batch, 0 if there is none: its last batch is in the same slot.
    function lastBatchAt(address operator) external view returns (uint64);
    function credit(address account) external view returns (uint256);
    function burned() external view returns (uint256);
    function config() external view returns (SequencerSetConfig memory);
}
