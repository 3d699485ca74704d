// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {WITHDRAWAL_CAUSE_EXPORT} from "../generated/Constants.sol";
import {
    CHANNEL_DEPOSIT_A,
    CHANNEL_DEPOSIT_B,
    CHANNEL_ID,
    CHANNEL_PAID_BY_A,
    CHANNEL_PAID_BY_B,
    CHANNEL_VERSION,
    CHANNEL_WINDOW,
    WITHDRAWAL_AMOUNT,
    WITHDRAWAL_CAUSE,
    WITHDRAWAL_CONTEXT,
    WITHDRAWAL_CONTEXT_HASH,
    WITHDRAWAL_RECIPIENT
} from "../generated/LeafFields.sol";
import {IBridge} from "../interfaces/IBridge.sol";
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
    SignedClose,
    SignedVoucher,
    SignedWithdrawal,
    Update,
    WithdrawalProof
} from "../interfaces/IChannelAdjudicator.sol";
import {CompactSignature} from "../libraries/CompactSignature.sol";
import {LeafReader} from "../libraries/LeafReader.sol";
import {ChannelWord, ChannelWordLibrary} from "../types/ChannelWord.sol";
import {RecordWord, RecordWordLibrary} from "../types/RecordWord.sol";
import {ChannelDigests} from "./ChannelDigests.sol";
import {HOME_CORE, ONE_WAY} from "./ChannelLedger.sol";
import {ChannelPayments} from "./ChannelPayments.sol";
import {ChannelRecords, Recording} from "./ChannelRecords.sol";
import {ChannelSignatures, Scope} from "./ChannelSignatures.sol";

/// Bilateral channels. See `IChannelAdjudicator`. A clone with arguments belongs to a chain; without a chain the implementation does
/// as well: only what concerns Layer Core reads the arguments.
contract ChannelAdjudicator is ChannelRecords, ReentrancyGuardTransient {
    /// After a late answer the window goes on for this part of it; a late one comes in its last quarter.
    uint256 private constant EXTENSION_PART = 2;
    uint256 private constant LATE_PART = 4;
    /// The close waits for locks this many windows after the deadline at most.
    uint256 private constant LOCK_WINDOWS = 4;

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
        ChannelWord newer = _record(channelId, config_, word, update, address(0));
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
        // The caller may be a key of the side: the side speaks all the same.
        address speaker = side == 0 ? config_.partyA : config_.partyB;
        if (update.base.length + update.vouchers.length != 0) {
            word = _record(channelId, config_, word, update, speaker);
        }
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
        ChannelWord newer = _record(channelId, config_, word, update, address(0));
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
        _finish(channelId, config_, word, record, wonOfA, wonOfB);
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
            _clearWords(channelId, record);
        }
        _payShares(channelId, config_, word, false, signed.paidByA, signed.paidByB);
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
        ChannelWord word = words[channelId];
        _requireLive(channelId, word);
        if (config_.flags != ONE_WAY) revert NotOneWay(channelId);
        if (voucher.payer != 0) revert OneWay(channelId);
        amount = _claimable(word, voucher.version, voucher.paid);
        if (amount == 0) revert NothingToClaim(channelId);
        _verifyVoucher(_scopeOf(channelId), config_, voucher);
        words[channelId] = _debit(word, 1, amount);
        emit Claimed(channelId, voucher.paid, amount);
        _pay(config_.asset, config_.partyB, uint256(amount) * config_.unit);
    }

    /// @inheritdoc IChannelAdjudicator
    function claimMany(Claim[] calldata claims) external nonReentrant {
        bytes32 domain = ChannelDigests.domainSeparator(address(this));
        address payee;
        address asset;
        uint256 due;
        for (uint256 i; i < claims.length; ++i) {
            Claim calldata each = claims[i];
            uint256 amount = _claim(each, domain);
            if (amount == 0) continue;
            // Only channels at home on L1 are ONE_WAY.
            (address nextPayee, address nextAsset) = (each.config.partyB, each.config.asset);
            if (nextPayee != payee || nextAsset != asset) {
                if (due != 0) _pay(asset, payee, due);
                (payee, asset, due) = (nextPayee, nextAsset, 0);
            }
            due += amount * each.config.unit;
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
    function importExport(
        address partyA,
        address partyB,
        bytes32[4] calldata channelLeaf,
        WithdrawalProof calldata proof
    ) external nonReentrant returns (bytes32 channelId) {
        IBridge bridge = IBridge(_addressArgument(BRIDGE));
        bridge.verifyWithdrawal(proof.index, proof.leaf, proof.siblings, proof.claimId);
        uint256 units;
        (channelId, units) = _import(partyA, partyB, channelLeaf);
        // The chain's rules made the leaf: what it says of channel and amount is true, if it is an export and shown with its channel.
        if (
            LeafReader.get(proof.leaf, WITHDRAWAL_CAUSE) != WITHDRAWAL_CAUSE_EXPORT
                || LeafReader.getAddress(proof.leaf, WITHDRAWAL_RECIPIENT) != address(this)
                || LeafReader.get(proof.leaf, WITHDRAWAL_AMOUNT) != units
                || bytes32(LeafReader.get(proof.leaf, WITHDRAWAL_CONTEXT)) != channelId
                || bytes32(LeafReader.get(proof.leaf, WITHDRAWAL_CONTEXT_HASH)) != keccak256(abi.encode(channelLeaf))
        ) revert NotExported(channelId);
        // Anyone may have had it paid before.
        if (!bridge.isWithdrawn(proof.index)) {
            bridge.withdraw(proof.index, proof.leaf, proof.siblings, proof.claimId);
        }
        _fetch(bridge);
    }

    /// @inheritdoc IChannelAdjudicator
    function importExodus(address partyA, address partyB, bytes32[4] calldata channelLeaf) external nonReentrant {
        if (msg.sender != _addressArgument(EXODUS)) revert NotExodus(msg.sender);
        _import(partyA, partyB, channelLeaf);
        _fetch(IBridge(_addressArgument(BRIDGE)));
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
            SignedVoucher calldata voucher = update.vouchers[i];
            _verifyVoucher(scope, config_, voucher);
            _isEndorsed(Recording(scope, 0, RecordWord.wrap(0), address(0)), config_, voucher, update.endorsements);
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
        uint128[2] storage peak = peaks[channelId];
        return Recorded({
            sequenceA: record.sequence(0),
            paidByA: record.paid(0),
            sequenceB: record.sequence(1),
            paidByB: record.paid(1),
            highestPaidByA: peak[0] > record.paid(0) ? uint64(peak[0]) : record.paid(0),
            highestPaidByB: peak[1] > record.paid(1) ? uint64(peak[1]) : record.paid(1),
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
        return ChannelDigests.channelIdOf(config_);
    }

    /// Opens a channel that comes from Layer Core, as it was there. Its id is free as long as it has not come.
    function _import(address partyA, address partyB, bytes32[4] calldata leaf)
        private
        returns (bytes32 channelId, uint256 units)
    {
        ChannelConfig memory config_ = ChannelConfig({
            home: HOME_CORE,
            partyA: partyA,
            partyB: partyB,
            asset: address(0),
            unit: 0,
            windowSeconds: uint32(LeafReader.get(leaf, CHANNEL_WINDOW)),
            flags: 0,
            salt: uint64(LeafReader.get(leaf, CHANNEL_ID))
        });
        channelId = keccak256(abi.encode(config_));
        _requireStatus(channelId, words[channelId], ChannelStatus.NONE);
        uint64 depositA = uint64(LeafReader.get(leaf, CHANNEL_DEPOSIT_A));
        uint64 depositB = uint64(LeafReader.get(leaf, CHANNEL_DEPOSIT_B));
        units = uint256(depositA) + depositB;
        _requireUnits(units);
        uint32 version = uint32(LeafReader.get(leaf, CHANNEL_VERSION));
        uint64 paidByA = uint64(LeafReader.get(leaf, CHANNEL_PAID_BY_A));
        uint64 paidByB = uint64(LeafReader.get(leaf, CHANNEL_PAID_BY_B));
        words[channelId] = ChannelWordLibrary.create(
            ChannelStatus.OPEN, int256(uint256(depositA)), int256(uint256(depositB))
        ).withVersion(version);
        records[channelId] = RecordWordLibrary.create(paidByA, paidByB);
        emit Imported(channelId, partyA, partyB, config_, depositA, depositB, version, paidByA, paidByB);
    }

    /// Gets what the Bridge could not push.
    function _fetch(IBridge bridge) private {
        if (bridge.claimable(address(this)) != 0) bridge.withdrawClaimable(address(this));
    }

    /// Takes over a claim of a batch; the payment is the caller's. 0: it adds nothing, or nothing any more.
    function _claim(Claim calldata each, bytes32 domain) private returns (uint64 amount) {
        ChannelConfig calldata config_ = each.config;
        bytes32 channelId = ChannelDigests.channelIdOf(config_);
        if (config_.flags != ONE_WAY) revert NotOneWay(channelId);
        ChannelWord word = words[channelId];
        amount = _claimable(word, each.version, each.paid);
        if (amount == 0) return 0;
        address signer = each.key;
        if (signer == address(0)) signer = config_.partyA;
        else _requireRegistered(channelId, each);
        bytes32 digest = ChannelDigests.ofClaim(domain, channelId, each);
        if (CompactSignature.recover(digest, uint256(each.r), uint256(each.vs)) != signer) {
            revert BadSignature(digest, signer);
        }
        words[channelId] = _debit(word, 1, amount);
        emit Claimed(channelId, each.paid, amount);
    }

    function _requireRegistered(bytes32 channelId, Claim calldata each) private view {
        (address key, uint64 cap, uint40 expiry) = (each.key, each.cap, each.expiry);
        address principal = each.config.partyA;
        if (block.timestamp > expiry) revert GrantExpired(key, expiry);
        if (each.paid > cap) revert GrantCapExceeded(key, each.paid, cap);
        if (!grants[ChannelSignatures.grantMark(channelId, principal, key, cap, expiry)]) {
            revert GrantUnknown(principal, key);
        }
    }

    /// What a voucher for `paid` adds for B, in units.
    function _claimable(ChannelWord word, uint32 version, uint64 paid) private pure returns (uint64) {
        _requireUnits(paid);
        ChannelStatus status = word.status();
        if (status == ChannelStatus.NONE || status == ChannelStatus.CLOSED || version < word.version()) return 0;
        (, uint256 share) = _sharesOf(word, int256(uint256(paid)), 0);
        return uint64(share);
    }

    /// Ends a channel by what is recorded, with the locks that were won.
    function _finish(
        bytes32 channelId,
        ChannelConfig calldata config_,
        ChannelWord word,
        RecordWord record,
        uint256 wonOfA,
        uint256 wonOfB
    ) private {
        words[channelId] = word.closed();
        if (record.hasLocks(0) || record.hasLocks(1)) {
            _clearLocks(channelId, record);
            records[channelId] = record.withoutLocks();
        }
        _payShares(channelId, config_, word, true, record.paid(0) + wonOfA, record.paid(1) + wonOfB);
    }

    /// Locks whose preimage is not known keep the close until they expire, but not for longer than a payee takes them.
    function _requireDue(uint256 deadline, uint256 window, uint256 openUntil) private view {
        if (openUntil == 0) return;
        uint256 latest = deadline + LOCK_WINDOWS * window;
        // A preimage may still come in the very second in which its lock expires.
        uint256 dueAt = openUntil < latest ? openUntil + 1 : latest;
        if (block.timestamp < dueAt) revert TooEarly(dueAt);
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
}
