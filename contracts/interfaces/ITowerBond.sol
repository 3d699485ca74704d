// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelConfig, IChannelAdjudicator, Update} from "./IChannelAdjudicator.sol";

/// The promise of a tower (docs/CHANNELS.md section 5): a unilateral close that begins and ends in `from` … `until` does not end below
/// (version, paid).
struct Receipt {
    bytes32 channelId;
    /// Whom it is for. Sequence and paid are those of the other side.
    uint8 side;
    uint32 version;
    uint64 sequence;
    uint64 paid;
    uint40 from;
    uint40 until;
}

struct Bond {
    /// Signs the receipts. Fixed as long as the bond stands.
    address signer;
    uint128 amountWei;
    uint40 bondedAt;
    /// When it can be withdrawn; 0 before it was asked for.
    uint40 payableAt;
    bool isSlashed;
}

/// Bonds of the towers that watch the channels of one adjudicator, and what they lose when they sleep. Nobody owns it.
///
/// A tower is judged by what its receipts say and what the adjudicator recorded, never by intent. It cannot be slashed if it gives
/// receipts only for states that the adjudicator would take until `until`, and hands them in: whatever else the two parties
/// have signed, what is recorded then is not below.
interface ITowerBond {
    event Bonded(address indexed tower, address indexed signer, uint256 amountWei);
    event BondAdded(address indexed tower, uint256 amountWei);
    event Unbonding(address indexed tower, uint40 payableAt);
    event BondPaid(address indexed tower, address to, uint256 amountWei);
    event Slashed(address indexed tower, bytes32 indexed channelId, address indexed harmed, uint256 rewardWei, uint256 burnedWei);
    event CreditPaid(address indexed owner, address to, uint256 amountWei);

    error UnbondingTooShort(uint256 unbondingSeconds, uint256 maxMandateSeconds);
    error BondTooSmall(uint256 sentWei, uint256 minBondWei);
    error ZeroSigner();
    error AlreadyBonded(address tower);
    error NotBonded(address tower);
    error TowerSlashed(address tower);
    error AlreadyUnbonding(address tower);
    error BondLocked(address tower, uint256 payableAt);
    // And those of EtherCredit: `NoCredit`, `NothingBurned`, `PaymentFailed`.
    /// The receipt is not of this tower.
    error BadReceipt(address signer, address expected);
    error BadSide(uint8 side);
    /// The receipt is older than the bond, or promises for longer than any may.
    error OutsideBond(uint256 from, uint256 until);
    error WrongChannel(bytes32 given, bytes32 expected);
    /// The channel has not ended by one side's wish.
    error NotClosed(bytes32 channelId);
    /// The close began or ended outside of what was promised.
    error OutsideMandate(uint256 begunAt, uint256 deadline);
    /// What was recorded is not below the receipt. `endorsedSequence` and `highestPaid` are the adjudicator's, of the other side.
    error NotBelow(uint32 version, uint64 endorsedSequence, uint64 highestPaid);
    /// What is shown is not the state of the receipt.
    error WrongEvidence(string part);
    error BadSignature(bytes32 digest, address signer);
    error GrantUnknown(address principal, address key);
    error GrantExpired(address key, uint256 expiry);
    error GrantCapExceeded(address key, uint256 paid, uint256 cap);

    /// Bonds the caller. @param signer whose receipts count; may be the caller
    function bond(address signer) external payable;

    /// Adds to the caller's bond.
    function addBond() external payable;

    /// Begins to leave. Receipts that were given go on to count until the bond is withdrawn.
    function unbond() external;

    function withdraw(address to) external;

    /// Takes a tower's bond: half is credited to the party that the receipt is for, half is burned. Anyone may.
    /// @param state the base of the receipt's version if that is not 0, and the voucher of the other side if its sequence is not 0,
    /// with the endorsement that the tower had
    function slash(
        address tower,
        Receipt calldata receipt,
        bytes calldata signature,
        ChannelConfig calldata config,
        Update calldata state
    ) external;

    /// Pays the caller's credit to `to`.
    function withdrawCredit(address to) external;

    /// Sends what was burned where nobody can use it. Anyone may.
    function withdrawBurned() external;

    function bondOf(address tower) external view returns (Bond memory);
    function credit(address owner) external view returns (uint256);
    function burned() external view returns (uint256);
    function adjudicator() external view returns (IChannelAdjudicator);
    function minBondWei() external view returns (uint256);
    /// A receipt for longer than this is void.
    function maxMandateSeconds() external view returns (uint32);
    function unbondingSeconds() external view returns (uint32);
    function domainSeparator() external view returns (bytes32);
    /// The digest that a tower signs.
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);
}
