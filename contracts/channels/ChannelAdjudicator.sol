// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {MAX_UNITS} from "../generated/Constants.sol";
import {
    AdjudicatorConfig,
    ChannelConfig,
    ChannelState,
    ChannelStatus,
    Claim,
    Grant,
    IChannelAdjudicator,
    Lock,
    Recorded,
    SignedBase,
    SignedClose,
    SignedVoucher,
    SignedWithdrawal,
    Update,
    WithdrawalProof
} from "../interfaces/IChannelAdjudicator.sol";
import {CloneArguments} from "../root/CloneArguments.sol";
import {ChannelWord, ChannelWordLibrary} from "../types/ChannelWord.sol";
import {RecordWord, RecordWordLibrary} from "../types/RecordWord.sol";
import {ChannelDigests} from "./ChannelDigests.sol";
import {ChannelLocks} from "./ChannelLocks.sol";
import {ChannelPayments} from "./ChannelPayments.sol";
import {ChannelSignatures, Scope} from "./ChannelSignatures.sol";

/// Bilateral channels. See `IChannelAdjudicator`. A clone with arguments belongs to a chain; without a chain the implementation does
/// as well: only what concerns Layer Core reads the arguments.
contract ChannelAdjudicator is IChannelAdjudicator, CloneArguments, ReentrancyGuardTransient {
    // Words of AdjudicatorConfig.
    uint256 private constant BRIDGE = 0;
    uint256 private constant EXODUS = 1;
    uint256 private constant ASSET = 2;
    uint256 private constant ASSET_SCALE = 3;
    uint256 private constant CONFIG_WORDS = 4;

    uint8 private constant HOME_L1 = 0;
    uint8 private constant ONE_WAY = 1;
    /// After a late answer the window goes on for this part of it; a late one comes in its last quarter.
    uint256 private constant EXTENSION_PART = 2;
    uint256 private constant LATE_PART = 4;
    /// The close waits for locks this many windows after the deadline at most.
    uint256 private constant LOCK_WINDOWS = 4;

    mapping(bytes32 channelId => ChannelWord) private words;
    mapping(bytes32 channelId => RecordWord) private records;
    mapping(bytes32 channelId => bytes32[2]) private locksHashes;
    mapping(bytes32 mark => bool) private grants;
    /// @inheritdoc IChannelAdjudicator
    mapping(bytes32 hashlock => uint40) public preimageTime;
    /// @inheritdoc IChannelAdjudicator
    mapping(address asset => mapping(address owner => uint256)) public credits;

    /// @inheritdoc IChannelAdjudicator
    function open(ChannelConfig calldata config_, uint8 side, uint64 units)
        external
        payable
        nonReentrant
        returns (bytes32 channelId)
    {
        channelId = channelIdOf(config_);
        ChannelWord word = words[channelId];
        if (word.status() == ChannelStatus.NONE) {
            _checkConfig(config_);
            word = ChannelWordLibrary.create(ChannelStatus.OPEN, 0, 0);
            emit Opened(channelId, config_.partyA, config_.partyB, config_);
        }
        _deposit(channelId, config_, word, side, units);
    }

    /// @inheritdoc IChannelAdjudicator
    function deposit(ChannelConfig calldata config_, uint8 side, uint64 units) external payable nonReentrant {
        bytes32 channelId = channelIdOf(config_);
        _deposit(channelId, config_, words[channelId], side, units);
    }

    /// @inheritdoc IChannelAdjudicator
    function checkpoint(ChannelConfig calldata config_, Update calldata update) external nonReentrant {
        bytes32 channelId = channelIdOf(config_);
        ChannelWord word = words[channelId];
        _requireStatus(channelId, word, ChannelStatus.OPEN);
        ChannelWord newer = _record(channelId, config_, word, update);
        // Vouchers alone leave the first word as it is.
        if (ChannelWord.unwrap(newer) != ChannelWord.unwrap(word)) words[channelId] = newer;
    }

    /// @inheritdoc IChannelAdjudicator
    function challenge(ChannelConfig calldata config_, Update calldata update, uint8 side, Grant[] calldata grant)
        external
        nonReentrant
    {
        bytes32 channelId = channelIdOf(config_);
        ChannelWord word = words[channelId];
        _requireStatus(channelId, word, ChannelStatus.OPEN);
        _requireParty(channelId, config_, side, grant);
        if (update.base.length + update.vouchers.length != 0) word = _record(channelId, config_, word, update);
        uint40 deadline = uint40(block.timestamp + config_.windowSeconds);
        words[channelId] = word.closing(deadline);
        emit Challenged(channelId, side, deadline);
    }

    /// @inheritdoc IChannelAdjudicator
    function respond(ChannelConfig calldata config_, Update calldata update) external nonReentrant {
        bytes32 channelId = channelIdOf(config_);
        ChannelWord word = words[channelId];
        _requireStatus(channelId, word, ChannelStatus.CLOSING);
        uint256 deadline = word.deadline();
        if (block.timestamp >= deadline) revert TooLate(deadline);
        ChannelWord newer = _record(channelId, config_, word, update);
        uint256 window = config_.windowSeconds;
        if (!word.isExtended() && block.timestamp >= deadline - window / LATE_PART) {
            uint40 later = uint40(deadline + window / EXTENSION_PART);
            newer = newer.extended(later);
            emit Extended(channelId, later);
        }
        if (ChannelWord.unwrap(newer) != ChannelWord.unwrap(word)) words[channelId] = newer;
    }

    /// @inheritdoc IChannelAdjudicator
    function close(ChannelConfig calldata config_, Lock[] calldata locksA, Lock[] calldata locksB)
        external
        nonReentrant
    {
        bytes32 channelId = channelIdOf(config_);
        ChannelWord word = words[channelId];
        _requireStatus(channelId, word, ChannelStatus.CLOSING);
        uint256 deadline = word.deadline();
        if (block.timestamp < deadline) revert TooEarly(deadline);
        RecordWord record = records[channelId];
        (uint256 wonOfA, uint256 openUntilA) = _settleLocks(channelId, record, 0, locksA);
        (uint256 wonOfB, uint256 openUntilB) = _settleLocks(channelId, record, 1, locksB);
        _requireDue(deadline, config_.windowSeconds, openUntilA > openUntilB ? openUntilA : openUntilB);
        _finish(channelId, config_, word, record, int256(wonOfA), int256(wonOfB));
    }

    /// @inheritdoc IChannelAdjudicator
    function closeCooperatively(ChannelConfig calldata config_, SignedClose calldata signed) external nonReentrant {
        bytes32 channelId = channelIdOf(config_);
        ChannelWord word = words[channelId];
        _requireLive(channelId, word);
        _requireUnits(signed.paidByA);
        _requireUnits(signed.paidByB);
        Scope memory scope = _scopeOf(channelId);
        bytes32 digest = ChannelDigests.ofClose(scope.domain, channelId, signed);
        _requireSigned(scope, config_.partyA, digest, signed.signatureA, signed.grantA, signed.paidByA);
        _requireSigned(scope, config_.partyB, digest, signed.signatureB, signed.grantB, signed.paidByB);

        words[channelId] = word.closedByBoth();
        RecordWord record = records[channelId];
        if (RecordWord.unwrap(record) != 0) {
            records[channelId] = RecordWord.wrap(0);
            _clearLocks(channelId, record);
        }
        (uint256 shareA, uint256 shareB) =
            _sharesOf(word, int256(uint256(signed.paidByA)), int256(uint256(signed.paidByB)));
        emit Closed(channelId, false, word.version(), 0, 0, uint64(shareA), uint64(shareB));
        _payShares(config_, shareA, shareB);
    }

    /// @inheritdoc IChannelAdjudicator
    function withdraw(ChannelConfig calldata config_, SignedWithdrawal calldata signed) external nonReentrant {
        bytes32 channelId = channelIdOf(config_);
        ChannelWord word = words[channelId];
        _requireStatus(channelId, word, ChannelStatus.OPEN);
        (uint8 side, uint64 amount) = (signed.side, signed.amount);
        if (side > 1) revert BadSide(side);
        if (signed.nonce != word.withdrawalNonce()) revert WrongNonce(signed.nonce, word.withdrawalNonce());
        if (block.timestamp > signed.validUntil) revert WithdrawalExpired(signed.validUntil);
        if (amount > uint256(word.held())) revert NotHeld(amount, uint256(word.held()));
        Scope memory scope = _scopeOf(channelId);
        bytes32 digest = ChannelDigests.ofWithdrawal(scope.domain, channelId, signed);
        Grant[] calldata none;
        assembly ("memory-safe") {
            none.offset := 0
            none.length := 0
        }
        _requireSigned(scope, config_.partyA, digest, signed.signatureA, none, 0);
        _requireSigned(scope, config_.partyB, digest, signed.signatureB, none, 0);

        words[channelId] = _debit(word, side, amount).withNonce(signed.nonce + 1);
        emit Withdrawn(channelId, signed.nonce, side, amount);
        (address asset, uint256 unit) = _assetOf(config_);
        _pay(asset, side == 0 ? config_.partyA : config_.partyB, amount * unit);
    }

    /// @inheritdoc IChannelAdjudicator
    function claim(ChannelConfig calldata config_, SignedVoucher calldata voucher)
        external
        nonReentrant
        returns (uint64 amount)
    {
        bytes32 channelId = channelIdOf(config_);
        _requireLive(channelId, words[channelId]);
        amount = _claim(channelId, config_, voucher, ChannelDigests.domainSeparator(address(this)));
        if (amount == 0) revert NothingToClaim(channelId);
        (address asset, uint256 unit) = _assetOf(config_);
        _pay(asset, config_.partyB, amount * unit);
    }

    /// @inheritdoc IChannelAdjudicator
    function claimMany(Claim[] calldata claims) external nonReentrant {
        bytes32 domain = ChannelDigests.domainSeparator(address(this));
        address payee;
        address asset;
        uint256 due;
        for (uint256 i; i < claims.length; ++i) {
            ChannelConfig calldata config_ = claims[i].config;
            uint256 amount = _claim(channelIdOf(config_), config_, claims[i].voucher, domain);
            if (amount == 0) continue;
            (address nextAsset, uint256 unit) = _assetOf(config_);
            if (config_.partyB != payee || nextAsset != asset) {
                if (due != 0) _pay(asset, payee, due);
                (payee, asset, due) = (config_.partyB, nextAsset, 0);
            }
            due += amount * unit;
        }
        if (due != 0) _pay(asset, payee, due);
    }

    /// @inheritdoc IChannelAdjudicator
    function registerGrant(ChannelConfig calldata config_, uint8 side, Grant calldata grant) external {
        if (side > 1) revert BadSide(side);
        bytes32 channelId = channelIdOf(config_);
        address principal = side == 0 ? config_.partyA : config_.partyB;
        if (msg.sender != principal) {
            if (grant.signature.length == 0) revert GrantUnknown(principal, grant.key);
            ChannelSignatures.requireGranted(grants, _scopeOf(channelId), principal, grant);
        }
        grants[ChannelSignatures.grantMark(channelId, principal, grant.key, grant.cap, grant.expiry)] = true;
        emit GrantRegistered(channelId, side, grant.key, grant.cap, grant.expiry);
    }

    /// @inheritdoc IChannelAdjudicator
    function registerPreimage(bytes32 preimage) external {
        bytes32 hashlock = keccak256(abi.encode(preimage));
        if (preimageTime[hashlock] != 0) return;
        preimageTime[hashlock] = uint40(block.timestamp);
        emit PreimageRegistered(hashlock, preimage, uint40(block.timestamp));
    }

    /// @inheritdoc IChannelAdjudicator
    function importExport(address, address, bytes32[4] calldata, WithdrawalProof calldata)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        revert NotExported(channelId);
    }

    /// @inheritdoc IChannelAdjudicator
    function importExodus(address, address, bytes32[4] calldata) external nonReentrant {
        if (msg.sender != _addressArgument(EXODUS)) revert NotExodus(msg.sender);
    }

    /// @inheritdoc IChannelAdjudicator
    function collect(address asset, address to) external nonReentrant {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = credits[asset][msg.sender];
        if (amount == 0) revert NothingToCollect(asset, msg.sender);
        delete credits[asset][msg.sender];
        emit Collected(asset, msg.sender, to, amount);
        ChannelPayments.send(asset, to, amount);
    }

    /// What the Bridge pays for channels of Layer Core.
    receive() external payable {
        if (msg.sender != _addressArgument(BRIDGE)) revert NotBridge(msg.sender);
    }

    /// @inheritdoc IChannelAdjudicator
    function verify(ChannelConfig calldata config_, Update calldata update, uint40 time) external view {
        Scope memory scope = _scopeOf(channelIdOf(config_));
        if (time != 0) scope.time = time;
        for (uint256 i; i < update.base.length; ++i) {
            _verifyBase(scope, config_, update.base[i]);
        }
        for (uint256 i; i < update.vouchers.length; ++i) {
            _verifyVoucher(scope, config_, update.vouchers[i]);
        }
    }

    /// @inheritdoc IChannelAdjudicator
    function domainSeparator() external view returns (bytes32) {
        return ChannelDigests.domainSeparator(address(this));
    }

    /// @inheritdoc IChannelAdjudicator
    function channelOf(bytes32 channelId) external view returns (ChannelState memory) {
        ChannelWord word = words[channelId];
        return ChannelState({
            status: word.status(),
            isExtended: word.isExtended(),
            isUnilateral: word.isUnilateral(),
            deadline: word.deadline(),
            version: word.version(),
            withdrawalNonce: word.withdrawalNonce(),
            netA: int64(word.net(0)),
            netB: int64(word.net(1))
        });
    }

    /// @inheritdoc IChannelAdjudicator
    function recordedOf(bytes32 channelId) external view returns (Recorded memory) {
        RecordWord record = records[channelId];
        return Recorded({
            sequenceA: record.sequence(0),
            paidByA: record.paid(0),
            sequenceB: record.sequence(1),
            paidByB: record.paid(1),
            locksHashA: locksHashes[channelId][0],
            locksHashB: locksHashes[channelId][1]
        });
    }

    /// @inheritdoc IChannelAdjudicator
    function isGrantRegistered(bytes32 channelId, address principal, address key, uint64 cap, uint40 expiry)
        external
        view
        returns (bool)
    {
        return grants[ChannelSignatures.grantMark(channelId, principal, key, cap, expiry)];
    }

    /// @inheritdoc IChannelAdjudicator
    function config() external view returns (AdjudicatorConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (AdjudicatorConfig));
    }

    /// @inheritdoc IChannelAdjudicator
    function channelIdOf(ChannelConfig calldata config_) public pure returns (bytes32) {
        return keccak256(abi.encode(config_));
    }

    function _checkConfig(ChannelConfig calldata config_) private pure {
        if (config_.home != HOME_L1) revert BadConfig("home");
        if (config_.partyA == address(0)) revert BadConfig("partyA");
        if (config_.partyB == address(0) || config_.partyB == config_.partyA) revert BadConfig("partyB");
        if (config_.unit == 0 || config_.unit > MAX_UNITS) revert BadConfig("unit");
        if (config_.windowSeconds == 0) revert BadConfig("windowSeconds");
        if (config_.flags > ONE_WAY) revert BadConfig("flags");
        if (config_.salt > MAX_UNITS) revert BadConfig("salt");
    }

    /// Only a channel that is OPEN takes deposits. The money comes last.
    function _deposit(
        bytes32 channelId,
        ChannelConfig calldata config_,
        ChannelWord word,
        uint8 side,
        uint64 units
    ) private {
        _requireStatus(channelId, word, ChannelStatus.OPEN);
        if (side > 1) revert BadSide(side);
        if (side == 1 && units != 0 && config_.flags == ONE_WAY) revert OneWay(channelId);
        int256 added = int256(uint256(units));
        (int256 netA, int256 netB) = (word.net(0), word.net(1));
        if (side == 0) netA += added;
        else netB += added;
        // Keeps both nets and what is held within what is counted.
        _requireNet(side == 0 ? netA : netB);
        _requireNet(netA + netB);
        words[channelId] = word.withNets(netA, netB);
        emit Deposited(channelId, side, units);
        (address asset, uint256 unit) = _assetOf(config_);
        ChannelPayments.pull(asset, units * unit);
    }

    /// Takes over what is better of an update. Writes the second word, and leaves the first to the caller.
    function _record(bytes32 channelId, ChannelConfig calldata config_, ChannelWord word, Update calldata update)
        private
        returns (ChannelWord)
    {
        if (update.base.length > 1) revert TooMany(update.base.length, 1);
        if (update.vouchers.length > 2) revert TooMany(update.vouchers.length, 2);
        if (update.base.length + update.vouchers.length == 0) revert EmptyUpdate();
        Scope memory scope = _scopeOf(channelId);
        RecordWord record = records[channelId];
        bool isBetter;
        if (update.base.length == 1 && update.base[0].version > word.version()) {
            SignedBase calldata base = update.base[0];
            _verifyBase(scope, config_, base);
            _clearLocks(channelId, record);
            word = word.withVersion(base.version);
            record = RecordWordLibrary.create(base.paidByA, base.paidByB);
            isBetter = true;
            emit BaseRecorded(channelId, base.version, base.paidByA, base.paidByB);
        }
        for (uint256 i; i < update.vouchers.length; ++i) {
            SignedVoucher calldata voucher = update.vouchers[i];
            uint8 payer = voucher.payer;
            if (payer > 1) revert BadSide(payer);
            if (
                voucher.version != word.version() || voucher.sequence <= record.sequence(payer)
                    || voucher.paid < record.paid(payer)
            ) continue;
            bytes32 locksHash = _verifyVoucher(scope, config_, voucher);
            if (locksHash != 0 || record.hasLocks(payer)) locksHashes[channelId][payer] = locksHash;
            record = record.withVoucher(payer, voucher.sequence, voucher.paid, locksHash != 0);
            isBetter = true;
            emit VoucherRecorded(
                channelId,
                payer,
                voucher.version,
                voucher.sequence,
                voucher.paid,
                voucher.callsHash,
                voucher.locks
            );
        }
        if (!isBetter) revert NotBetter(channelId, word.version(), record.sequence(0), record.sequence(1));
        records[channelId] = record;
        return word;
    }

    /// Reverts unless both signed the base, and it is one that the channel can have.
    function _verifyBase(Scope memory scope, ChannelConfig calldata config_, SignedBase calldata base) private view {
        _requireUnits(base.paidByA);
        _requireUnits(base.paidByB);
        if (base.paidByB != 0 && config_.flags == ONE_WAY) revert OneWay(scope.channelId);
        bytes32 digest = ChannelDigests.ofBase(scope.domain, scope.channelId, base);
        _requireSigned(scope, config_.partyA, digest, base.signatureA, base.grantA, base.paidByA);
        _requireSigned(scope, config_.partyB, digest, base.signatureB, base.grantB, base.paidByB);
    }

    /// Reverts unless the payer signed the voucher, and it is one that the channel can have.
    function _verifyVoucher(Scope memory scope, ChannelConfig calldata config_, SignedVoucher calldata voucher)
        private
        view
        returns (bytes32 locksHash)
    {
        uint8 payer = voucher.payer;
        if (payer > 1) revert BadSide(payer);
        if (payer == 1 && config_.flags == ONE_WAY) revert OneWay(scope.channelId);
        _requireUnits(voucher.sequence);
        uint256 paid = voucher.paid + ChannelLocks.sumOf(voucher.locks);
        _requireUnits(paid);
        locksHash = ChannelLocks.hashOf(voucher.locks);
        bytes32 digest = ChannelDigests.ofVoucher(scope.domain, scope.channelId, voucher, locksHash);
        address principal = payer == 0 ? config_.partyA : config_.partyB;
        _requireSigned(scope, principal, digest, voucher.signature, voucher.grant, paid);
    }

    /// What a voucher adds for B, in units; the payment is the caller's. 0: nothing, or nothing any more.
    function _claim(bytes32 channelId, ChannelConfig calldata config_, SignedVoucher calldata voucher, bytes32 domain)
        private
        returns (uint64 amount)
    {
        if (config_.flags != ONE_WAY) revert NotOneWay(channelId);
        ChannelWord word = words[channelId];
        ChannelStatus status = word.status();
        if (status == ChannelStatus.NONE || status == ChannelStatus.CLOSED) return 0;
        if (voucher.payer != 0) revert OneWay(channelId);
        if (voucher.version < word.version()) return 0;
        (, uint256 share) = _sharesOf(word, int256(uint256(voucher.paid)), 0);
        if (share == 0) return 0;
        _verifyVoucher(Scope(domain, channelId, block.timestamp), config_, voucher);
        amount = uint64(share);
        words[channelId] = _debit(word, 1, amount);
        emit Claimed(channelId, voucher.paid, amount);
    }

    /// Ends a channel by what is recorded, with the locks that were won.
    function _finish(
        bytes32 channelId,
        ChannelConfig calldata config_,
        ChannelWord word,
        RecordWord record,
        int256 wonOfA,
        int256 wonOfB
    ) private {
        words[channelId] = word.closed();
        if (record.hasLocks(0) || record.hasLocks(1)) {
            _clearLocks(channelId, record);
            records[channelId] = record.withoutLocks();
        }
        (uint256 shareA, uint256 shareB) = _sharesOf(
            word, int256(uint256(record.paid(0))) + wonOfA, int256(uint256(record.paid(1))) + wonOfB
        );
        emit Closed(
            channelId, true, word.version(), record.sequence(0), record.sequence(1), uint64(shareA), uint64(shareB)
        );
        _payShares(config_, shareA, shareB);
    }

    /// Locks whose preimage is not known keep the close until they expire, but not for longer than a payee takes them.
    function _requireDue(uint256 deadline, uint256 window, uint256 openUntil) private view {
        if (openUntil == 0) return;
        uint256 latest = deadline + LOCK_WINDOWS * window;
        // A preimage may still come in the very second in which its lock expires.
        uint256 dueAt = openUntil < latest ? openUntil + 1 : latest;
        if (block.timestamp < dueAt) revert TooEarly(dueAt);
    }

    /// Total: whatever was signed, the shares are never negative and come to what is held.
    function _sharesOf(ChannelWord word, int256 paidByA, int256 paidByB)
        private
        pure
        returns (uint256 shareA, uint256 shareB)
    {
        int256 held = word.held();
        int256 ofB = word.net(1) + paidByA - paidByB;
        if (ofB < 0) ofB = 0;
        if (ofB > held) ofB = held;
        return (uint256(held - ofB), uint256(ofB));
    }

    /// `amount` is at most what is held.
    function _debit(ChannelWord word, uint8 side, uint64 amount) private pure returns (ChannelWord) {
        (int256 netA, int256 netB) = (word.net(0), word.net(1));
        int256 taken = int256(uint256(amount));
        if (side == 0) netA -= taken;
        else netB -= taken;
        // Nobody can have earned more than that; it keeps the nets within what is counted.
        _requireNet(side == 0 ? netA : netB);
        return word.withNets(netA, netB);
    }

    function _settleLocks(bytes32 channelId, RecordWord record, uint8 side, Lock[] calldata locks)
        private
        view
        returns (uint256 won, uint256 openUntil)
    {
        bytes32 recorded = record.hasLocks(side) ? locksHashes[channelId][side] : bytes32(0);
        bytes32 given = ChannelLocks.hashOf(locks);
        if (given != recorded) revert WrongLocks(side, given, recorded);
        return ChannelLocks.settle(preimageTime, locks);
    }

    function _clearLocks(bytes32 channelId, RecordWord record) private {
        if (record.hasLocks(0)) delete locksHashes[channelId][0];
        if (record.hasLocks(1)) delete locksHashes[channelId][1];
    }

    function _payShares(ChannelConfig calldata config_, uint256 shareA, uint256 shareB) private {
        (address asset, uint256 unit) = _assetOf(config_);
        _pay(asset, config_.partyA, shareA * unit);
        _pay(asset, config_.partyB, shareB * unit);
    }

    function _pay(address asset, address to, uint256 amount) private {
        if (amount == 0 || ChannelPayments.push(asset, to, amount)) return;
        credits[asset][to] += amount;
        emit PaymentKept(asset, to, amount);
    }

    function _assetOf(ChannelConfig calldata config_) private view returns (address asset, uint256 unit) {
        if (config_.home == HOME_L1) return (config_.asset, config_.unit);
        return (_addressArgument(ASSET), _argument(ASSET_SCALE));
    }

    function _requireParty(bytes32 channelId, ChannelConfig calldata config_, uint8 side, Grant[] calldata grant)
        private
        view
    {
        if (side > 1) revert BadSide(side);
        address party = side == 0 ? config_.partyA : config_.partyB;
        if (msg.sender == party) return;
        if (grant.length != 1 || grant[0].key != msg.sender) revert NotParty(msg.sender, side);
        ChannelSignatures.requireGranted(grants, _scopeOf(channelId), party, grant[0]);
    }

    function _requireSigned(
        Scope memory scope,
        address principal,
        bytes32 digest,
        bytes calldata signature,
        Grant[] calldata grant,
        uint256 paid
    ) private view {
        ChannelSignatures.requireSigned(grants, scope, principal, digest, signature, grant, paid);
    }

    function _scopeOf(bytes32 channelId) private view returns (Scope memory) {
        return Scope(ChannelDigests.domainSeparator(address(this)), channelId, block.timestamp);
    }

    function _requireStatus(bytes32 channelId, ChannelWord word, ChannelStatus status) private pure {
        if (word.status() != status) revert WrongStatus(channelId, word.status());
    }

    function _requireLive(bytes32 channelId, ChannelWord word) private pure {
        ChannelStatus status = word.status();
        if (status == ChannelStatus.NONE || status == ChannelStatus.CLOSED) revert WrongStatus(channelId, status);
    }

    function _requireUnits(uint256 value) private pure {
        if (value > MAX_UNITS) revert TooLarge(value, MAX_UNITS);
    }

    function _requireNet(int256 net) private pure {
        _requireUnits(uint256(net < 0 ? -net : net));
    }
}
