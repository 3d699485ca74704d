// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_EXPORT_TYPEHASH,
    CHANNEL_STATUS_OPEN,
    E_AMOUNT,
    E_CHANNEL_CLOSING,
    E_FULL,
    E_NOT_PARTY,
    E_OWNER_ONLY,
    E_REFERENCE,
    E_SIGNATURE,
    KIND_CHANNEL,
    KIND_WITHDRAWAL,
    OK,
    SETTLEMENT_PAID,
    SIGNER_OWNER,
    WITHDRAWAL_CAUSE_EXPORT
} from "../../generated/Constants.sol";
import {CHANNEL_STATUS, WITHDRAWAL_CONTEXT, WITHDRAWAL_CONTEXT_HASH} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Channels} from "./Channels.sol";
import {Slots} from "./Slots.sol";
import {Step} from "./Step.sol";
import {Withdrawals} from "./Withdrawals.sol";

/// @title CHANNEL_EXPORT: hands the channel, as it is, to the adjudicator on L1; both agree
library ChannelExport {
    function execute(Step memory step) internal pure returns (uint256) {
        (bool found, Words channel) = Channels.find(step);
        if (!found) return E_REFERENCE;
        if (!Channels.isParty(step)) return E_NOT_PARTY; // CH-24
        if (step.signer != SIGNER_OWNER) return E_OWNER_ONLY;
        if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_OPEN) return E_CHANNEL_CLOSING;
        uint256 held = Channels.heldBy(channel);
        if (held == 0) return E_AMOUNT;
        if (Withdrawals.isFull(step)) return E_FULL;

        bytes32 id = Channels.idOf(step, channel); // CH-25
        bytes32 digest = Channels.digestOf(step, abi.encode(CHANNEL_EXPORT_TYPEHASH, id));
        if (!Channels.isOwnerSigned(step, Channels.otherSide(step), digest)) return E_SIGNATURE;

        // CH-26
        step.id = Withdrawals.append(step, uint160(step.adjudicator), held, step.agent, WITHDRAWAL_CAUSE_EXPORT);
        Words withdrawal = step.touch(KIND_WITHDRAWAL, step.id);
        withdrawal.set(WITHDRAWAL_CONTEXT, uint256(id));
        withdrawal.set(WITHDRAWAL_CONTEXT_HASH, uint256(_hash(channel)));
        Slots.free(step, KIND_CHANNEL, channel, step.slot);
        (step.amount, step.settlement, step.inputHash) = (held, SETTLEMENT_PAID, uint256(id));
        return OK;
    }

    function _hash(Words leaf) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(leaf, 128)
        }
    }
}
