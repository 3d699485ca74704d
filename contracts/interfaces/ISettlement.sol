// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Parameters of one chain's Settlement, fixed when the chain is created.
struct SettlementConfig {
    address inbox;
    /// Judges between rivals; it alone may eliminate entries.
    address game;
    /// Bond of the first entry of a round, in wei; entry n (from 0) costs (1 + n/32) times as much.
    uint96 bondWei;
    /// What a whole game costs the honest side in gas, at the price cap: paid from a loser's bond, at most half of it.
    uint96 gasRefundWei;
    /// The most that a winner gets beyond that.
    uint96 rewardCapWei;
    /// W: seconds from a round's first claim in which rivals may be made.
    uint32 windowSeconds;
    /// D: seconds after W in which claims may still be backed.
    uint32 joinSeconds;
}

/// The try to decide the epoch after a claim that is under way, or was the last one.
struct Round {
    /// L1 time of its first claim; 0: there was none yet.
    uint64 openedAt;
    /// Tries so far; the first is 1.
    uint32 number;
    /// Bonds of this try.
    uint32 entryCount;
    /// Claims of this try.
    uint32 claimCount;
    /// Those with a live entry.
    uint32 liveClaims;
    /// Live entries of all claims of this try.
    uint32 liveEntries;
}

/// "In this round under `parent`: after epoch `epoch`, the state root is `stateRoot`."
struct Claim {
    bytes32 parent;
    bytes32 stateRoot;
    uint64 epoch;
    uint32 round;
    /// Live entries. Without any the claim is dormant until W + D, then fallen.
    uint32 live;
    uint64 claimedAt;
    /// L1 time of its confirmation; 0 if it is not confirmed.
    uint32 confirmedAt;
    /// Marked by `reject`: its parent fell, or lost.
    bool isVoid;
}

/// A bond on one claim. Entries never change sides; one address may have many.
struct Entry {
    address backer;
    uint64 enteredAt;
    bool isDead;
    bytes32 claimId;
    /// May move for the backer.
    address mover;
    /// Zero once it was given back, paid out or burned.
    uint96 bondWei;
}

/// What the game asks of one entry.
struct EntryView {
    address backer;
    address mover;
    uint64 enteredAt;
    bool isDead;
    bytes32 claimId;
    /// What the claim says, and about which epoch on top of which state.
    bytes32 stateRoot;
    bytes32 parentRoot;
    uint64 epoch;
    /// Live entries of other claims of its round.
    uint32 liveRivals;
    /// The round is under way: not confirmed, and its parent stands.
    bool isOpen;
}

/// One side of a pair.
struct PlayerView {
    address backer;
    uint64 enteredAt;
    bool isDead;
    bytes32 claimId;
}

/// What the game asks of two entries of one round, in as few reads as it can be.
struct PairView {
    PlayerView earlier;
    PlayerView later;
    uint64 epoch;
    /// Both entries live and the round is under way.
    bool isOpen;
}

/// @title The claims of one chain, and the rounds in which they are decided (docs/DISPUTES.md)
/// @notice One honest entry is enough: it defeats every entry of every rival by W + D + 2C, however many they are.
interface ISettlement {
    event Claimed(bytes32 indexed claimId, bytes32 indexed parentClaim, uint32 round, uint64 epoch, bytes32 stateRoot);
    event Entered(bytes32 indexed roundId, uint32 indexed n, bytes32 indexed claimId, address backer, address mover, uint256 bondWei);
    event Eliminated(bytes32 indexed roundId, uint32 indexed loser, uint32 winner, uint256 paidWei, uint256 burnedWei);
    event Confirmed(bytes32 indexed claimId, uint64 epoch, bytes32 stateRoot);
    event Rejected(bytes32 indexed claimId);
    event Credited(address indexed account, uint256 amountWei);
    event CreditWithdrawn(address indexed account, address to, uint256 amountWei);
    event Burned(uint256 amountWei);

    error UnknownClaim(bytes32 claimId);
    error UnknownEntry(bytes32 roundId, uint32 n);
    /// The epoch has been decided already.
    error Decided(bytes32 claimId);
    /// The claim, or what it stands on, fell or lost.
    error ClaimVoid(bytes32 claimId);
    error ClaimStands(bytes32 claimId);
    error WrongEpoch(uint64 epoch, uint64 expected);
    error WrongRound(uint32 round, uint32 expected);
    /// The inbox holds other data for that epoch than the claimant saw.
    error WrongAccumulator(bytes32 accumulator, bytes32 expected);
    error BondTooSmall(uint256 sentWei, uint256 bondWei);
    /// No new claim from `closedAt` on; claims that are there can be backed until W + D.
    error RoundClosed(bytes32 parentClaim, uint256 closedAt);
    error RoundNotOver(bytes32 parentClaim, uint256 overAt);
    error ParentNotConfirmed(bytes32 parentClaim);
    error NoLiveEntry(bytes32 claimId);
    error LiveRivals(bytes32 parentClaim, uint32 liveClaims);
    error NotConfirmed(bytes32 claimId);
    error NotGame(address caller);
    /// The entry is out, or its bond was given back.
    error EntryOut(bytes32 roundId, uint32 n);
    /// The bond still stands for a claim that is open.
    error BondLocked(bytes32 roundId, uint32 n);
    error NothingToPay(address account);
    // And `PaymentFailed` of EtherCredit.

    /// Claims the state after `epoch`, the one after the parent's, and enters for it. A claim that exists gets one more entry.
    /// What is sent above `bondFor(parentClaim)` is credited.
    /// @param round the try that is meant: a call that comes late cannot fall into the next one
    /// @param epochAccumulator what the claimant saw as `inbox.epochAccumulator(epoch)`; a reorganisation makes the call revert
    /// @param mover may move for the caller in games, besides the caller
    function claim(
        bytes32 parentClaim,
        uint32 round,
        uint64 epoch,
        bytes32 postState,
        bytes32 epochAccumulator,
        address mover
    ) external payable returns (bytes32 claimId, uint32 n);

    /// Enters for a claim of the round under way, also for a dormant one, until W + D.
    function back(bytes32 claimId, address mover) external payable returns (uint32 n);

    /// Confirms the only live claim of a round on top of the last confirmed one: after W, and after W + D if there was another claim,
    /// which could be backed again until then. Anyone may.
    function confirm(bytes32 claimId) external;

    /// Marks a claim whose parent fell or lost, so that its own children can be marked. Anyone may.
    function reject(bytes32 claimId) external;

    /// Credits the bond of a live entry whose claim is confirmed or void. Anyone may.
    function release(bytes32 roundId, uint32 n) external;

    /// The game's verdict. @return paidWei what the winner was credited
    function eliminate(bytes32 roundId, uint32 loser, uint32 winner) external returns (uint256 paidWei);
    /// Both are wrong: who proved it gets the gas of one game, the rest is burned.
    function eliminateBoth(bytes32 roundId, uint32 i, uint32 j, address prover) external;
    /// Move bonds that the game gives to somebody.
    function addCredit(address to) external payable;
    /// Move bonds that nobody may have.
    function addBurned() external payable;

    /// Pays the caller's credit to `to`.
    function withdrawCredit(address to) external;
    /// Sends what is burned where nobody can take it from. Anyone may.
    function withdrawBurned() external;

    function genesisClaim() external view returns (bytes32);
    function claimIdOf(bytes32 parentClaim, uint32 round, uint64 epoch, bytes32 postState) external view returns (bytes32);
    function roundIdOf(bytes32 parentClaim, uint32 round) external view returns (bytes32);
    /// @return claimId the last confirmed claim, at first the genesis claim
    /// @return nextEpoch the number of confirmed epochs, which is the epoch a claim on top of it covers
    /// @return stateRoot its state root
    function latestConfirmed() external view returns (bytes32 claimId, uint64 nextEpoch, bytes32 stateRoot);
    /// State root and time of a confirmed claim. Reverts with `NotConfirmed` for any other.
    function confirmedState(bytes32 claimId) external view returns (bytes32 stateRoot, uint32 confirmedAt);
    /// What the next entry under this parent has to send, in wei.
    function bondFor(bytes32 parentClaim) external view returns (uint256);
    /// The try that a claim made now would belong to.
    function currentRound(bytes32 parentClaim) external view returns (uint32);
    function claims(bytes32 claimId) external view returns (Claim memory);
    function rounds(bytes32 parentClaim) external view returns (Round memory);
    function entries(bytes32 roundId, uint32 n) external view returns (Entry memory);
    function entryView(bytes32 roundId, uint32 n) external view returns (EntryView memory);
    function pairView(bytes32 roundId, uint32 i, uint32 j) external view returns (PairView memory);
    /// Who moves for an entry besides its backer, and the state root that it stands for.
    function moverView(bytes32 roundId, uint32 n) external view returns (address mover, bytes32 stateRoot);
    function credit(address account) external view returns (uint256);
    function burned() external view returns (uint256);
    /// Whether `confirm` would succeed now.
    function canConfirm(bytes32 claimId) external view returns (bool);
    /// Whether the claim can never be confirmed any more.
    function isVoid(bytes32 claimId) external view returns (bool);
    function config() external view returns (SettlementConfig memory);
}
