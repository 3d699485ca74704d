// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Parameters of one chain's Bridge, fixed when the chain is created.
struct BridgeConfig {
    address inbox;
    address settlement;
    /// The chain's ERC-20, or zero for ETH. A token that takes fees on transfer is refused at deposit; one that changes balances by
    /// itself, or whose issuer can freeze the bridge, breaks the promise that everybody is paid.
    address asset;
    /// Base units of the asset (wei) in one unit of the chain.
    uint128 assetScale;
    /// Seconds between the confirmation of a state and the first payout from it.
    uint32 payoutDelaySeconds;
    /// The chain's Exodus, which may have leaves of the last state paid once the chain is dead.
    address exodus;
    /// May delay payouts, and nothing else. Zero: nobody.
    address guardian;
    /// The seconds that it may ask for in all, in the chain's whole life.
    uint32 guardianSeconds;
}

/// Holds the chain's asset: deposits go in, withdrawals are paid against a confirmed state.
interface IBridge {
    event Deposited(uint64 indexed entry, address indexed sender, uint256 amount);
    /// `paid` is false when the recipient refused: the amount waits in `claimable`.
    event Withdrawn(uint64 indexed index, address indexed recipient, uint256 amount, bool paid);
    event ClaimablePaid(address indexed recipient, address to, uint256 amount);
    /// A leaf of the dead chain's last state was paid, or a deposit that it does not know (kind 64). `paid` as in `Withdrawn`.
    event ExodusPaid(uint8 indexed kind, uint64 indexed index, address indexed recipient, uint256 amount, bool paid);
    /// Nothing is paid out before `until`; `spentSeconds` of the guardian's time are used up.
    event PausedUntil(uint64 until, uint256 spentSeconds);

    error ZeroAmount();
    error ZeroAddress();
    error NotWholeUnits(uint256 amount, uint256 assetScale);
    error WrongValue(uint256 sentWei, uint256 expectedWei);
    /// The token delivered something else than the amount.
    error WrongAmountReceived(uint256 received, uint256 expected);
    /// The chain counts at most 2^53 - 1 units.
    error CapExceeded(uint256 units, uint256 cap);
    error AlreadyWithdrawn(uint64 index);
    error AlreadyPaid(uint8 kind, uint64 index);
    error NotExodus(address caller);
    error NotGuardian(address caller);
    error Paused(uint256 until);
    /// The guardian's time is used up.
    error PauseSpent(uint256 wantedSeconds, uint256 limitSeconds);
    error BadProof(bytes32 computedRoot, bytes32 stateRoot);
    error PayoutDelayed(uint256 payableAt);
    // And `TooLittleGas` of LimitedPayment: what is left would not let the recipient run, which would only look like a refusal.
    error NothingClaimable(address recipient);
    error PaymentFailed(address to, uint256 amount);

    /// Pays `amount` base units in and queues a DEPOSIT for `account`. Whole units only. With ETH, `amount` must be what is sent.
    /// @return entry its index in the inbox
    function deposit(address account, uint256 amount) external payable returns (uint64 entry);

    /// Pays a withdrawal of a confirmed state to its recipient. Anyone may call; if the recipient refuses, the amount waits for it.
    /// @param index of the WITHDRAWAL leaf, which is the id in its receipt
    /// @param leaf the leaf's four words
    /// @param siblings three words a level, from the leaf up (RULES N-4)
    /// @param claimId any confirmed claim whose state holds the leaf
    function withdraw(uint64 index, bytes32[4] calldata leaf, bytes32[] calldata siblings, bytes32 claimId) external;

    /// Reverts unless a leaf is a withdrawal's place in the state of a confirmed claim from which payouts are due, and nothing stops
    /// them now. Says nothing about whether it was paid.
    function verifyWithdrawal(uint64 index, bytes32[4] calldata leaf, bytes32[] calldata siblings, bytes32 claimId)
        external
        view;

    /// Pays what the caller could not be paid before to `to`.
    function withdrawClaimable(address to) external;

    /// Pays a leaf of the dead chain's last state, or a deposit, once; only for the Exodus. WITHDRAWAL leaves share their marks with
    /// `withdraw`.
    function payExodus(uint8 kind, uint64 index, address to, uint64 units) external;

    /// Stops all payouts from now on for `duration` seconds, instead of what an earlier pause has left; 0 ends it. Only for the
    /// guardian. All durations together are at most `guardianSeconds`: what is asked for is spent, even if it is ended early.
    function pause(uint32 duration) external;

    /// L1 time at which payouts go on.
    function pausedUntil() external view returns (uint64);
    /// What the guardian has spent.
    function pausedSeconds() external view returns (uint64);
    /// Whether a leaf was paid; for WITHDRAWAL the same as `isWithdrawn`.
    function isPaid(uint8 kind, uint64 index) external view returns (bool);
    function isWithdrawn(uint64 index) external view returns (bool);
    function claimable(address recipient) external view returns (uint256);
    /// Whole units of the asset that the bridge holds, never less than what the chain owes.
    function heldUnits() external view returns (uint256);
    function config() external view returns (BridgeConfig memory);
}
