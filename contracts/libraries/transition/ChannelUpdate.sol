// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_BASE_TYPEHASH,
    CHANNEL_FLAG_EXTENDED,
    CHANNEL_STATUS_CLOSING,
    CHANNEL_VOUCHER_TYPEHASH,
    E_AMOUNT,
    E_DEADLINE,
    E_MALFORMED,
    E_REFERENCE,
    E_SIGNATURE,
    E_STALE,
    MAX_UNITS,
    OK,
    SETTLEMENT_PENDING,
    UPDATE_KIND_BASE,
    UPDATE_KIND_VOUCHER
} from "../../generated/Constants.sol";
import {
    CHANNEL_DEADLINE,
    CHANNEL_FLAGS,
    CHANNEL_PAID_BY_A,
    CHANNEL_PAID_BY_B,
    CHANNEL_STATUS,
    CHANNEL_VERSION,
    CHANNEL_WINDOW,
    REGISTER_RECORDS_HASH
} from "../../generated/LeafFields.sol";
import {
    R_CHANNEL_UPDATE_CALLS_HASH,
    R_CHANNEL_UPDATE_KIND,
    R_CHANNEL_UPDATE_PAID_BY_A,
    R_CHANNEL_UPDATE_PAID_BY_B,
    R_CHANNEL_UPDATE_SEQUENCE,
    R_CHANNEL_UPDATE_SIDE,
    R_CHANNEL_UPDATE_VERSION
} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Channels} from "./Channels.sol";
import {Step} from "./Step.sol";

/// @title CHANNEL_UPDATE: by anyone, records a newer state: a base that both signed, or a voucher of a side
library ChannelUpdate {
    struct Update {
        bool isVoucher;
        uint256 side;
        uint256 paidByA;
        uint256 paidByB;
        /// What the side that signs has paid.
        uint256 total;
        uint256 version;
        uint256 sequence;
        uint256 callsHash;
    }

    function execute(Step memory step) internal pure returns (uint256) {
        (uint256 failure, Update memory update) = _read(step.record);
        if (failure != OK) return failure;
        (bool found, Words channel) = Channels.find(step);
        if (!found) return E_REFERENCE;
        bool isClosing = channel.get(CHANNEL_STATUS) == CHANNEL_STATUS_CLOSING;
        if (isClosing && step.l2Time >= channel.get(CHANNEL_DEADLINE)) return E_DEADLINE; // CH-16
        if (!_isNewer(channel, update)) return E_STALE; // CH-17

        bytes32 digest = _digestOf(step, channel, update); // CH-18
        if (!Channels.isSigned(step, channel, update.side, digest, update.total)) return E_SIGNATURE;
        step.amount = update.total;
        if (update.isVoucher) {
            channel.set(_totalOf(update.side), update.total); // CH-19
        } else {
            // CH-20
            Words register = step.register();
            if (register.get(REGISTER_RECORDS_HASH) != _approval(digest, 1 - update.side)) {
                register.set(REGISTER_RECORDS_HASH, _approval(digest, update.side));
                step.settlement = SETTLEMENT_PENDING;
                return OK;
            }
            channel.set(CHANNEL_VERSION, update.version);
            channel.set(CHANNEL_PAID_BY_A, update.paidByA);
            channel.set(CHANNEL_PAID_BY_B, update.paidByB);
        }
        if (isClosing) _extend(step, channel);
        return OK;
    }

    /// CH-14, CH-15
    function _read(Words record) private pure returns (uint256, Update memory update) {
        uint256 kind = record.get(R_CHANNEL_UPDATE_KIND);
        update.side = record.get(R_CHANNEL_UPDATE_SIDE);
        if (kind > UPDATE_KIND_VOUCHER || update.side > 1) return (E_MALFORMED, update);
        update.isVoucher = kind != UPDATE_KIND_BASE;
        update.paidByA = record.get(R_CHANNEL_UPDATE_PAID_BY_A);
        update.paidByB = record.get(R_CHANNEL_UPDATE_PAID_BY_B);
        update.version = record.get(R_CHANNEL_UPDATE_VERSION);
        update.sequence = record.get(R_CHANNEL_UPDATE_SEQUENCE);
        update.callsHash = record.get(R_CHANNEL_UPDATE_CALLS_HASH);
        uint256 others;
        (update.total, others) =
            update.side == 0 ? (update.paidByA, update.paidByB) : (update.paidByB, update.paidByA);
        bool isClean = update.isVoucher ? others == 0 : update.sequence == 0 && update.callsHash == 0;
        if (!isClean) return (E_MALFORMED, update);
        bool fits = update.paidByA <= MAX_UNITS && update.paidByB <= MAX_UNITS && update.sequence <= MAX_UNITS;
        return (fits ? OK : E_AMOUNT, update);
    }

    /// CH-17
    function _isNewer(Words channel, Update memory update) private pure returns (bool) {
        uint256 known = channel.get(CHANNEL_VERSION);
        if (!update.isVoucher) return update.version > known;
        return update.version == known && update.total > channel.get(_totalOf(update.side));
    }

    function _totalOf(uint256 side) private pure returns (uint256) {
        return side == 0 ? CHANNEL_PAID_BY_A : CHANNEL_PAID_BY_B;
    }

    function _digestOf(Step memory step, Words channel, Update memory update) private pure returns (bytes32) {
        bytes32 id = Channels.idOf(step, channel);
        if (update.isVoucher) {
            return Channels.digestOf(
                step,
                abi.encode(
                    CHANNEL_VOUCHER_TYPEHASH,
                    id,
                    update.side,
                    update.version,
                    update.sequence,
                    update.total,
                    uint256(0),
                    update.callsHash
                )
            );
        }
        return Channels.digestOf(step, abi.encode(CHANNEL_BASE_TYPEHASH, id, update.version, update.paidByA, update.paidByB));
    }

    function _approval(bytes32 digest, uint256 side) private pure returns (uint256) {
        return uint256(keccak256(abi.encodePacked(digest, uint8(side))));
    }

    /// CH-21
    function _extend(Step memory step, Words channel) private pure {
        uint256 flags = channel.get(CHANNEL_FLAGS);
        if (flags & CHANNEL_FLAG_EXTENDED != 0) return;
        (uint256 window, uint256 deadline) = (channel.get(CHANNEL_WINDOW), channel.get(CHANNEL_DEADLINE));
        if (step.l2Time + window / 4 < deadline) return;
        channel.set(CHANNEL_DEADLINE, Channels.capTime(deadline + window / 2));
        channel.set(CHANNEL_FLAGS, flags | CHANNEL_FLAG_EXTENDED);
    }
}
