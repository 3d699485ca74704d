// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Parameters of one chain's adjudicator, fixed when the chain is created. All zero where there is no chain: then every channel is at
/// home on L1.
struct AdjudicatorConfig {
    address bridge;
    address exodus;
    /// The chain's asset (zero: ETH) and the base units in one unit of it: those of the channels that were at home in Layer Core.
    address asset;
    uint128 assetScale;
}

/// What a channel is, fixed for its life: the hash of its ABI encoding is its id (docs/CHANNELS.md section 1).
struct ChannelConfig {
    /// 0: this contract. 1: Layer Core of the chain; asset, unit and flags are then zero here.
    uint8 home;
    address partyA;
    address partyB;
    /// An ERC-20, or zero for ETH.
    address asset;
    /// Base units of the asset in one unit, at most 2^53 - 1.
    uint64 unit;
    uint32 windowSeconds;
    /// Bit 0, ONE_WAY: only A pays.
    uint8 flags;
    /// At most 2^53 - 1.
    uint64 salt;
}

/// A payment that is made if the preimage of `hashlock` is registered at a time <= `expiry`.
struct Lock {
    bytes32 hashlock;
    uint64 amount;
    uint40 expiry;
}

/// A session key of a party. `signature` is the principal's; empty if the grant was registered.
struct Grant {
    address key;
    /// In units: all that the principal may have paid, open locks included.
    uint64 cap;
    /// Last L1 time, in seconds, at which the key counts.
    uint40 expiry;
    bytes signature;
}

/// A state that both signed. Each list of grants is empty (the principal signed) or holds the grant of the key that signed.
struct SignedBase {
    uint32 version;
    uint64 paidByA;
    uint64 paidByB;
    bytes signatureA;
    bytes signatureB;
    Grant[] grantA;
    Grant[] grantB;
}

/// What one side says that it has paid, in all. `grant` as in `SignedBase`.
struct SignedVoucher {
    uint8 payer;
    uint32 version;
    uint64 sequence;
    uint64 paid;
    Lock[] locks;
    bytes32 callsHash;
    bytes signature;
    Grant[] grant;
}

/// The payee's signature over the digest of the update's voucher of `payer`. `grant` as in `SignedBase`.
struct Endorsement {
    uint8 payer;
    bytes signature;
    Grant[] grant;
}

/// What is handed in: at most one base, and at most one voucher and one endorsement of each side, in the order in which they are used.
struct Update {
    SignedBase[] base;
    SignedVoucher[] vouchers;
    Endorsement[] endorsements;
}

/// Both agree to end the channel with these totals.
struct SignedClose {
    uint64 paidByA;
    uint64 paidByB;
    bytes signatureA;
    bytes signatureB;
    Grant[] grantA;
    Grant[] grantB;
}

/// Both principals agree that a side is paid a part.
struct SignedWithdrawal {
    uint32 nonce;
    uint8 side;
    uint64 amount;
    uint40 validUntil;
    bytes signatureA;
    bytes signatureB;
}

/// One claim of a batch: a voucher of A without locks. Nothing in it has a length of its own, which is what makes a batch cheap.
struct Claim {
    ChannelConfig config;
    uint32 version;
    uint64 sequence;
    uint64 paid;
    bytes32 callsHash;
    /// EIP-2098.
    bytes32 r;
    bytes32 vs;
    /// The session key that signed, whose grant (with this cap and expiry) is registered. Zero: A itself, and so are the next two.
    address key;
    uint64 cap;
    uint40 expiry;
}

/// Shows a WITHDRAWAL leaf in the state of a confirmed claim; see `IBridge.withdraw`.
struct WithdrawalProof {
    uint64 index;
    bytes32[4] leaf;
    bytes32[] siblings;
    bytes32 claimId;
}

enum ChannelStatus {
    NONE,
    OPEN,
    CLOSING,
    CLOSED
}

/// The first word of a channel. `netA` and `netB` are deposits less what was paid out, in units, and zero once it is CLOSED.
struct ChannelState {
    ChannelStatus status;
    /// The deadline was moved.
    bool isExtended;
    /// One side asked for the close, and no signature of both ended it earlier.
    bool isUnilateral;
    /// When answers to the close end; stays after the close. 0 without one.
    uint40 deadline;
    /// Of the base that is recorded; 0 without one.
    uint32 version;
    uint32 withdrawalNonce;
    int64 netA;
    int64 netB;
}

/// What is recorded under the version; all zero before anything is. Numbers stay after a unilateral close, which is what a tower is
/// judged by; hashes of locks are zero then.
struct Recorded {
    /// Of the last voucher of A that B endorsed: any other changes only `paidByA`.
    uint64 sequenceA;
    uint64 paidByA;
    uint64 sequenceB;
    uint64 paidByB;
    /// The most that was recorded under this version: more than `paidByA` only if B endorsed less.
    uint64 highestPaidByA;
    uint64 highestPaidByB;
    /// Zero without locks.
    bytes32 locksHashA;
    bytes32 locksHashB;
}

/// Holds the money of bilateral channels and settles them. The protocol is docs/CHANNELS.md; amounts are units of the channel if
/// they are not called base units. Nobody owns it, nothing in it can be changed.
///
/// What breaks if a token misbehaves: one that takes fees on transfer is refused at the deposit; one that changes balances by
/// itself, or freezes this contract, is a loss for the channels in that token, and for no others.
interface IChannelAdjudicator {
    event Opened(bytes32 indexed channelId, address indexed partyA, address indexed partyB, ChannelConfig config);
    /// A channel came from Layer Core: OPEN, with its deposits, and with what was recorded there.
    event Imported(
        bytes32 indexed channelId,
        address indexed partyA,
        address indexed partyB,
        ChannelConfig config,
        uint64 depositA,
        uint64 depositB,
        uint32 version,
        uint64 paidByA,
        uint64 paidByB
    );
    event Deposited(bytes32 indexed channelId, uint8 side, uint64 units);
    /// Replaces all that was recorded: both sequences are zero again, and there are no locks.
    event BaseRecorded(bytes32 indexed channelId, uint32 version, uint64 paidByA, uint64 paidByB);
    /// Without `isEndorsed` the recorded sequence stays as it was.
    event VoucherRecorded(
        bytes32 indexed channelId,
        uint8 payer,
        uint32 version,
        uint64 sequence,
        uint64 paid,
        bool isEndorsed,
        bytes32 callsHash,
        Lock[] locks
    );
    /// `side` asked for the close. What it handed in comes before, as recorded.
    event Challenged(bytes32 indexed channelId, uint8 side, uint40 deadline);
    /// An answer came late.
    event Extended(bytes32 indexed channelId, uint40 deadline);
    /// `paidByA` and `paidByB` include the locks that were won. The shares were paid, or are kept for their owners (`PaymentKept`).
    event Closed(
        bytes32 indexed channelId,
        bool isUnilateral,
        uint32 version,
        uint64 paidByA,
        uint64 paidByB,
        uint64 shareA,
        uint64 shareB
    );
    event Withdrawn(bytes32 indexed channelId, uint32 nonce, uint8 side, uint64 amount);
    /// B was paid `amount` by a voucher for `paid`.
    event Claimed(bytes32 indexed channelId, uint64 paid, uint64 amount);
    event GrantRegistered(bytes32 indexed channelId, uint8 side, address indexed key, uint64 cap, uint40 expiry);
    event PreimageRegistered(bytes32 indexed hashlock, bytes32 preimage, uint40 time);
    /// A push of base units failed: they wait in `credits`.
    event PaymentKept(address indexed asset, address indexed owner, uint256 amount);
    event Collected(address indexed asset, address indexed owner, address to, uint256 amount);

    /// A parameter that no channel can have.
    error BadConfig(string parameter);
    /// Nothing of the kind can be done with the channel as it is.
    error WrongStatus(bytes32 channelId, ChannelStatus status);
    error BadSide(uint8 side);
    /// The caller is neither the party of this side nor its granted key.
    error NotParty(address caller, uint8 side);
    error WrongValue(uint256 sentWei, uint256 expectedWei);
    /// The token delivered something else than the amount.
    error WrongAmountReceived(uint256 received, uint256 expected);
    /// Units, or a number in a signed message, beyond what a channel counts.
    error TooLarge(uint256 value, uint256 limit);
    /// The other side of a ONE_WAY channel neither deposits nor pays.
    error OneWay(bytes32 channelId);
    error NotOneWay(bytes32 channelId);
    error EmptyUpdate();
    /// More of something than a list may hold.
    error TooMany(uint256 given, uint256 limit);
    /// Nothing that was handed in is better than what is recorded.
    error NotBetter(bytes32 channelId, uint32 version, uint64 paidByA, uint64 paidByB);
    /// `digest` is not signed by `signer`: a party, or its key.
    error BadSignature(bytes32 digest, address signer);
    error GrantExpired(address key, uint256 expiry);
    error GrantCapExceeded(address key, uint256 paid, uint256 cap);
    /// A grant without a signature that was not registered.
    error GrantUnknown(address principal, address key);
    /// Answers are over.
    error TooLate(uint256 deadline);
    /// The close is not due before `dueAt`.
    error TooEarly(uint256 dueAt);
    /// The list is not the one that was recorded for the side.
    error WrongLocks(uint8 side, bytes32 given, bytes32 recorded);
    error WrongNonce(uint256 nonce, uint256 expected);
    error WithdrawalExpired(uint256 validUntil);
    error NotHeld(uint256 amount, uint256 held);
    error NothingToClaim(bytes32 channelId);
    error NothingToCollect(address asset, address owner);
    error ZeroAddress();
    error PaymentFailed(address asset, address to, uint256 amount);
    // And `TooLittleGas` of LimitedPayment: what is left would not let the payee run, which would only look like a refusal.
    error NotExodus(address caller);
    error NotBridge(address caller);
    /// What was shown is no export of this channel.
    error NotExported(bytes32 channelId);

    /// Opens a channel at home on L1 and deposits `units` for a side, with ETH or by an allowance of the caller. Anyone may. On a
    /// channel that is open already it is a deposit, so that nobody can spoil it by being first.
    function open(ChannelConfig calldata config, uint8 side, uint64 units) external payable returns (bytes32 channelId);

    /// Adds to the deposit of a side while the channel is OPEN. Anyone may.
    function deposit(ChannelConfig calldata config, uint8 side, uint64 units) external payable;

    /// Records a better state and starts nothing. Anyone may, while it is OPEN. Parts of the update that are no better than what
    /// stands are passed over unread, so that nobody can spoil an update by handing in a part of it first; one must be better.
    ///
    /// *Better*: a base of a higher version. A voucher of exactly the version that then stands, with the locks that are recorded, if
    /// it pays more; with other locks, if its payee endorsed it (by a signature, or by sending it) and its sequence is higher than
    /// that of the last endorsed one. The payer alone signs its vouchers: without the payee, sequence and locks prove nothing.
    function checkpoint(ChannelConfig calldata config, Update calldata update) external;

    /// Asks for the close. Only for the party of `side`, or a key that it granted (`grant`, else empty). An empty update asks for the
    /// close by what is recorded, if anything is; any other has to be better.
    function challenge(ChannelConfig calldata config, Update calldata update, uint8 side, Grant[] calldata grant) external;

    /// Answers with a better state before the deadline. Anyone may. In the last quarter of the window the first one moves the
    /// deadline by half a window.
    function respond(ChannelConfig calldata config, Update calldata update) external;

    /// Pays out after the deadline. Anyone may. Locks have to be shown as recorded; the close waits for those whose preimage is not
    /// registered until they expire, but no longer than 4 windows after the deadline.
    function close(ChannelConfig calldata config, Lock[] calldata locksA, Lock[] calldata locksB) external;

    /// Pays out at once by what both signed, OPEN or CLOSING. Anyone may.
    function closeCooperatively(ChannelConfig calldata config, SignedClose calldata signed) external;

    /// Pays a part to a side of an OPEN channel, by signatures of both principals. Anyone may.
    function withdraw(ChannelConfig calldata config, SignedWithdrawal calldata signed) external;

    /// Pays B of a ONE_WAY channel what a voucher of A adds, locks not included. Anyone may, until it is CLOSED.
    /// @return amount in units
    function claim(ChannelConfig calldata config, SignedVoucher calldata voucher) external returns (uint64 amount);

    /// Claims of many channels by vouchers without locks, with one payment for each payee and asset in a row. Claims that add nothing, and those of channels
    /// that are closed or have a newer base, are passed over; one that is not signed reverts them all.
    function claimMany(Claim[] calldata claims) external;

    /// Makes a grant count without its signature, which a contract that signs by ERC-1271 could take back. Anyone may with the
    /// signature, the principal itself without. What the grant says does not change: expiry and cap stand.
    function registerGrant(ChannelConfig calldata config, uint8 side, Grant calldata grant) external;

    /// Says for all channels that the preimage of keccak256(preimage) is known from now on. The first time counts.
    function registerPreimage(bytes32 preimage) external;

    /// Takes over a channel that was exported from Layer Core, and its money. Anyone may, against a confirmed claim.
    /// @param channelLeaf the four words of the CHANNEL leaf as it was when it was exported
    function importExport(
        address partyA,
        address partyB,
        bytes32[4] calldata channelLeaf,
        WithdrawalProof calldata proof
    ) external returns (bytes32 channelId);

    /// Takes over a channel of a chain that is dead. Only for its Exodus, which has verified leaf and parties and had the deposits
    /// paid to this contract.
    function importExodus(address partyA, address partyB, bytes32[4] calldata channelLeaf) external;

    /// Pays what could not be pushed to the caller to `to`.
    function collect(address asset, address to) external;

    /// Reverts unless every part of the update is signed as it must be, with grants that are alive at `time` (0: now), caps kept, and
    /// numbers that the channel can have. Says nothing about what is better.
    function verify(ChannelConfig calldata config, Update calldata update, uint40 time) external view;

    function channelIdOf(ChannelConfig calldata config) external pure returns (bytes32);
    function domainSeparator() external view returns (bytes32);
    function channelOf(bytes32 channelId) external view returns (ChannelState memory);
    function recordedOf(bytes32 channelId) external view returns (Recorded memory);
    /// L1 time of the registration; 0 without one.
    function preimageTime(bytes32 hashlock) external view returns (uint40);
    function isGrantRegistered(bytes32 channelId, address principal, address key, uint64 cap, uint40 expiry)
        external
        view
        returns (bool);
    /// In base units.
    function credits(address asset, address owner) external view returns (uint256);
    function config() external view returns (AdjudicatorConfig memory);
}
