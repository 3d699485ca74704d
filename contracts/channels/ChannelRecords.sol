// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MAX_UNITS} from "../generated/Constants.sol";
import {
    ChannelConfig,
    Endorsement,
    Grant,
    IChannelAdjudicator,
    Lock,
    SignedBase,
    SignedVoucher,
    Update
} from "../interfaces/IChannelAdjudicator.sol";
import {ChannelWord} from "../types/ChannelWord.sol";
import {RecordWord, RecordWordLibrary} from "../types/RecordWord.sol";
import {ChannelDigests} from "./ChannelDigests.sol";
import {ChannelLedger, ONE_WAY} from "./ChannelLedger.sol";
import {ChannelLocks} from "./ChannelLocks.sol";
import {ChannelSignatures, Scope} from "./ChannelSignatures.sol";

/// How far an update has come.
struct Recording {
    Scope scope;
    uint32 version;
    RecordWord record;
    address speaker;
}

/// The adjudicator's memory: which state of each channel stands, and what makes another one better.
abstract contract ChannelRecords is ChannelLedger {
    mapping(bytes32 channelId => RecordWord) internal records;
    mapping(bytes32 channelId => bytes32[2]) internal locksHashes;
    /// The highest totals of a version, where the recorded ones are not.
    mapping(bytes32 channelId => uint128[2]) internal peaks;
    /// By `ChannelSignatures.grantMark`.
    mapping(bytes32 mark => bool) internal grants;
    /// @inheritdoc IChannelAdjudicator
    mapping(bytes32 hashlock => uint40) public preimageTime;

    /// Takes over what is better of an update. Writes the second word, and leaves the first to the caller.
    /// @param speaker a party that is known to speak, beside the sender
    function _record(
        bytes32 channelId,
        ChannelConfig calldata config_,
        ChannelWord word,
        Update calldata update,
        address speaker
    ) internal returns (ChannelWord newer) {
        _requireSmall(update);
        RecordWord before = records[channelId];
        Recording memory recording = Recording(_scopeOf(channelId), word.version(), before, speaker);
        newer = word;
        if (update.base.length == 1 && update.base[0].version > word.version()) {
            SignedBase calldata base = update.base[0];
            _verifyBase(recording.scope, config_, base);
            _clearWords(channelId, before);
            recording.version = base.version;
            recording.record = RecordWordLibrary.create(base.paidByA, base.paidByB);
            newer = word.withVersion(base.version);
            emit BaseRecorded(channelId, base.version, base.paidByA, base.paidByB);
        }
        for (uint256 i; i < update.vouchers.length; ++i) {
            _recordVoucher(recording, config_, update.vouchers[i], update.endorsements);
        }
        RecordWord record = recording.record;
        if (RecordWord.unwrap(record) != RecordWord.unwrap(before)) {
            records[channelId] = record;
        } else if (recording.version == word.version()) {
            revert NotBetter(channelId, word.version(), record.paid(0), record.paid(1));
        }
    }

    /// Takes a voucher over if it is better.
    function _recordVoucher(
        Recording memory recording,
        ChannelConfig calldata config_,
        SignedVoucher calldata voucher,
        Endorsement[] calldata endorsements
    ) private {
        uint8 payer = voucher.payer;
        if (payer > 1) revert BadSide(payer);
        if (voucher.version != recording.version) return;
        RecordWord record = recording.record;
        bytes32 channelId = recording.scope.channelId;
        bytes32 locksHash = ChannelLocks.hashOf(voucher.locks);
        bool isEndorsed = locksHash != (record.hasLocks(payer) ? locksHashes[channelId][payer] : bytes32(0));
        if (!isEndorsed) {
            if (voucher.paid <= record.paid(payer)) return;
            _verifyVoucher(recording.scope, config_, voucher);
            recording.record = record.withPaid(payer, voucher.paid);
        } else {
            if (voucher.sequence <= record.sequence(payer)) return;
            if (!_isEndorsed(recording, config_, voucher, endorsements)) return;
            _verifyVoucher(recording.scope, config_, voucher);
            locksHashes[channelId][payer] = locksHash;
            if (voucher.paid < record.paid(payer)) record = _raisePeak(channelId, record, payer);
            recording.record = record.withVoucher(payer, voucher.sequence, voucher.paid, locksHash != 0);
        }
        emit VoucherRecorded(
            channelId,
            payer,
            voucher.version,
            voucher.sequence,
            voucher.paid,
            isEndorsed,
            voucher.callsHash,
            voucher.locks
        );
    }

    /// Whether the payee speaks for the voucher: it sent the update, or its signature is among the endorsements.
    function _isEndorsed(
        Recording memory recording,
        ChannelConfig calldata config_,
        SignedVoucher calldata voucher,
        Endorsement[] calldata endorsements
    ) internal view returns (bool) {
        address payee = voucher.payer == 0 ? config_.partyB : config_.partyA;
        if (payee == msg.sender || payee == recording.speaker) return true;
        for (uint256 i; i < endorsements.length; ++i) {
            Endorsement calldata endorsement = endorsements[i];
            if (endorsement.payer != voucher.payer) continue;
            bytes32 digest = _digestOf(recording.scope, voucher);
            // It pays nothing for who signs: no cap is in its way.
            _requireSigned(recording.scope, payee, digest, endorsement.signature, endorsement.grant, 0);
            return true;
        }
        return false;
    }

    /// Keeps what was recorded as the most of the version.
    function _raisePeak(bytes32 channelId, RecordWord record, uint8 payer) private returns (RecordWord) {
        if (peaks[channelId][payer] < record.paid(payer)) peaks[channelId][payer] = record.paid(payer);
        return record.withPeaks();
    }

    /// Reverts unless both signed the base, and it is one that the channel can have.
    function _verifyBase(Scope memory scope, ChannelConfig calldata config_, SignedBase calldata base) internal view {
        _requireUnits(base.paidByA);
        _requireUnits(base.paidByB);
        if (base.paidByB != 0 && config_.flags == ONE_WAY) revert OneWay(scope.channelId);
        bytes32 digest = ChannelDigests.ofBase(scope.domain, scope.channelId, base);
        _requireSigned(scope, config_.partyA, digest, base.signatureA, base.grantA, base.paidByA);
        _requireSigned(scope, config_.partyB, digest, base.signatureB, base.grantB, base.paidByB);
    }

    /// Reverts unless the payer signed the voucher, and it is one that the channel can have.
    function _verifyVoucher(Scope memory scope, ChannelConfig calldata config_, SignedVoucher calldata voucher)
        internal
        view
    {
        uint8 payer = voucher.payer;
        if (payer > 1) revert BadSide(payer);
        if (payer == 1 && config_.flags == ONE_WAY) revert OneWay(scope.channelId);
        _requireUnits(voucher.sequence);
        uint256 paid = voucher.paid + ChannelLocks.sumOf(voucher.locks);
        _requireUnits(paid);
        address principal = payer == 0 ? config_.partyA : config_.partyB;
        _requireSigned(scope, principal, _digestOf(scope, voucher), voucher.signature, voucher.grant, paid);
    }

    function _digestOf(Scope memory scope, SignedVoucher calldata voucher) private pure returns (bytes32) {
        return ChannelDigests.ofVoucher(scope.domain, scope.channelId, voucher, ChannelLocks.hashOf(voucher.locks));
    }

    function _requireSmall(Update calldata update) private pure {
        if (update.base.length > 1) revert TooMany(update.base.length, 1);
        if (update.vouchers.length > 2) revert TooMany(update.vouchers.length, 2);
        if (update.endorsements.length > 2) revert TooMany(update.endorsements.length, 2);
        if (update.base.length + update.vouchers.length == 0) revert EmptyUpdate();
    }

    function _settleLocks(bytes32 channelId, RecordWord record, uint8 side, Lock[] calldata locks)
        internal
        view
        returns (uint256 won, uint256 openUntil)
    {
        bytes32 recorded = record.hasLocks(side) ? locksHashes[channelId][side] : bytes32(0);
        bytes32 given = ChannelLocks.hashOf(locks);
        if (given != recorded) revert WrongLocks(side, given, recorded);
        return ChannelLocks.settle(preimageTime, locks);
    }

    function _clearLocks(bytes32 channelId, RecordWord record) internal {
        if (record.hasLocks(0)) delete locksHashes[channelId][0];
        if (record.hasLocks(1)) delete locksHashes[channelId][1];
    }

    /// Of all that goes with a record but the record itself.
    function _clearWords(bytes32 channelId, RecordWord record) internal {
        _clearLocks(channelId, record);
        if (record.hasPeaks()) delete peaks[channelId];
    }

    function _requireSigned(
        Scope memory scope,
        address principal,
        bytes32 digest,
        bytes calldata signature,
        Grant[] calldata grant,
        uint256 paid
    ) internal view {
        ChannelSignatures.requireSigned(grants, scope, principal, digest, signature, grant, paid);
    }

    function _scopeOf(bytes32 channelId) internal view returns (Scope memory) {
        return Scope(ChannelDigests.domainSeparator(address(this)), channelId, block.timestamp);
    }
}
