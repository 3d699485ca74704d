// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Parameters of one chain's Settlement, fixed when the chain is created.
struct SettlementConfig {
    address inbox;
    /// Executes single steps; what the dispute game will ask.
    address prover;
    /// Bond of the first claim under a parent, in wei; the n-th entry (from 0) costs (1 + n/32) times as much.
    uint96 bondWei;
    /// Seconds from the first claim of a round until one without rivals may be confirmed.
    uint32 windowSeconds;
    /// Fee of every record opcode, eight 32-bit words to a word, the first opcode in the most significant bits.
    uint256[3] feeTable;
}

/// A claim: "after epoch `epoch` on top of `parent`, the state root is `stateRoot`".
struct Claim {
    bytes32 parent;
    bytes32 stateRoot;
    uint64 epoch;
    /// Live backers. A claim without any is dormant: it cannot be confirmed and stands in nobody's way.
    uint32 backers;
    /// L1 time at which it was first made; 0 if it never was.
    uint32 claimedAt;
    /// L1 time of its confirmation; 0 if it is not confirmed.
    uint32 confirmedAt;
}

/// The claims that share a parent and therefore an epoch.
struct Round {
    /// L1 time from which a claim without live rivals may be confirmed; new claims are possible until then. 0: no round.
    uint32 closesAt;
    /// Bonds paid in this round so far; they set the price of the next.
    uint32 entries;
    /// Claims with at least one live backer.
    uint32 liveClaims;
}

/// Claims about the state after each epoch. Rivals stand side by side and block each other; nothing here judges between them.
interface ISettlement {
    event Claimed(
        bytes32 indexed claimId, bytes32 indexed parentClaim, uint64 epoch, bytes32 stateRoot, uint32 closesAt
    );
    event Backed(bytes32 indexed claimId, address indexed backer, uint256 bondWei);
    event Retracted(bytes32 indexed claimId, address indexed backer, uint256 bondWei);
    event Confirmed(bytes32 indexed claimId, uint64 epoch, bytes32 stateRoot);
    event BondWithdrawn(bytes32 indexed claimId, address indexed backer, address to, uint256 amountWei);

    error UnknownClaim(bytes32 claimId);
    /// The claim, its parent or its epoch has been decided already.
    error Decided(bytes32 claimId);
    error WrongEpoch(uint64 epoch, uint64 expected);
    /// The inbox holds other data for that epoch than the claimant saw.
    error WrongAccumulator(bytes32 accumulator, bytes32 expected);
    error BondTooSmall(uint256 sentWei, uint256 bondWei);
    error AlreadyBacking(bytes32 claimId, address backer);
    error NotBacking(bytes32 claimId, address backer);
    /// No new claim any more in this round. (The claims it has can still be backed.)
    error RoundClosed(bytes32 parentClaim, uint32 closesAt);
    error RoundNotClosed(bytes32 parentClaim, uint32 closesAt);
    error ParentNotConfirmed(bytes32 parentClaim);
    error NoLiveBacker(bytes32 claimId);
    error LiveRivals(bytes32 parentClaim, uint32 liveClaims);
    /// Nothing stands in the way of the claim: its bond comes back when it is confirmed.
    error NotBlocked(bytes32 claimId);
    error NotConfirmed(bytes32 claimId);
    /// The bond still stands for a claim that is open.
    error BondLocked(bytes32 claimId);
    error PaymentFailed(address to, uint256 amountWei);

    /// Claims the state after `epoch`, the one after the parent's. A claim that exists gets one more backer.
    /// What is sent above `bondFor(parentClaim)` is returned with the bond.
    /// @param epochAccumulator what the claimant saw as `inbox.epochAccumulator(epoch)`; a reorganisation makes the call revert.
    function claim(bytes32 parentClaim, uint64 epoch, bytes32 postState, bytes32 epochAccumulator)
        external
        payable
        returns (bytes32 claimId);

    /// Adds a bond to a claim, also to a dormant one, until something is confirmed for its epoch.
    function back(bytes32 claimId) external payable;

    /// Takes a bond back from a claim that cannot be confirmed, because it has live rivals or because its parent is not confirmed
    /// after its window. Everybody else then has one more window to step in.
    function retract(bytes32 claimId, address to) external;

    /// Confirms a claim after its window if its parent is the last confirmed claim and no rival is live. Anyone may.
    function confirm(bytes32 claimId) external;

    /// Pays the caller's bond to `to`, once the claim's epoch is decided.
    function withdrawBond(bytes32 claimId, address to) external;

    function genesisClaim() external view returns (bytes32);
    /// The id of a claim: binds L1 chain, inbox, parent, epoch and state.
    function claimIdOf(bytes32 parentClaim, uint64 epoch, bytes32 postState) external view returns (bytes32);
    /// @return claimId the last confirmed claim, at first the genesis claim
    /// @return nextEpoch the number of confirmed epochs, which is the epoch a claim on top of it covers
    /// @return stateRoot its state root
    function latestConfirmed() external view returns (bytes32 claimId, uint64 nextEpoch, bytes32 stateRoot);
    /// State root and time of a confirmed claim. Reverts with `NotConfirmed` for any other.
    function confirmedState(bytes32 claimId) external view returns (bytes32 stateRoot, uint32 confirmedAt);
    /// What the next claim or backer under this parent has to send, in wei.
    function bondFor(bytes32 parentClaim) external view returns (uint256);
    function bondOf(bytes32 claimId, address backer) external view returns (uint256);
    function claims(bytes32 claimId) external view returns (Claim memory);
    function rounds(bytes32 parentClaim) external view returns (Round memory);
    /// Whether `confirm` would succeed now.
    function canConfirm(bytes32 claimId) external view returns (bool);
    function config() external view returns (SettlementConfig memory);
}
