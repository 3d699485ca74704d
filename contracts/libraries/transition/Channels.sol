// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_AGENT, KIND_CHANNEL, SETTLEMENT_PAID} from "../../generated/Constants.sol";
import {
    AGENT_OWNER,
    CHANNEL_A,
    CHANNEL_B,
    CHANNEL_CAP_A,
    CHANNEL_CAP_B,
    CHANNEL_DEPOSIT_A,
    CHANNEL_DEPOSIT_B,
    CHANNEL_EXPIRY_A,
    CHANNEL_EXPIRY_B,
    CHANNEL_ID,
    CHANNEL_KEY_A,
    CHANNEL_KEY_B,
    CHANNEL_WINDOW,
    REGISTER_SIGNATURE_R,
    REGISTER_SIGNATURE_VS
} from "../../generated/LeafFields.sol";
import {R_CHANNEL_CHALLENGE_ID, R_CHANNEL_CHALLENGE_SLOT} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {CompactSignature} from "../CompactSignature.sol";
import {Money} from "./Money.sol";
import {Slots} from "./Slots.sol";
import {Step} from "./Step.sol";

/// @title What the operations on a channel have in common (CH-1 to CH-4)
library Channels {
    /// CH-4: false for E_REFERENCE. Notes slot, id and both agents for the receipt. All records name their channel at the same place.
    function find(Step memory step) internal pure returns (bool found, Words channel) {
        uint256 slot = step.record.get(R_CHANNEL_CHALLENGE_SLOT);
        (found, channel) = Slots.find(step, KIND_CHANNEL, slot, step.record.get(R_CHANNEL_CHALLENGE_ID));
        if (!found) return (false, channel);
        (step.slot, step.id) = (slot, channel.get(CHANNEL_ID));
        (step.requester, step.provider) = (channel.get(CHANNEL_A), channel.get(CHANNEL_B));
    }

    /// True if the acting agent is of the channel that was found.
    function isParty(Step memory step) internal pure returns (bool) {
        return step.agent == step.requester || step.agent == step.provider;
    }

    /// The side that the acting party is not.
    function otherSide(Step memory step) internal pure returns (uint256) {
        return step.agent == step.requester ? 1 : 0;
    }

    /// CH-1: touches both agents of the channel that was found.
    function idOf(Step memory step, Words channel) internal pure returns (bytes32) {
        address partyA = _ownerOf(step, 0);
        address partyB = _ownerOf(step, 1);
        return keccak256(
            abi.encode(uint256(1), partyA, partyB, address(0), uint256(0), channel.get(CHANNEL_WINDOW), uint256(0), step.id)
        );
    }

    /// CH-1
    function digestOf(Step memory step, bytes memory encoded) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", step.channelSeparator, keccak256(encoded)));
    }

    /// CH-2 *signed by owner*
    function isOwnerSigned(Step memory step, uint256 side, bytes32 digest) internal pure returns (bool) {
        address recovered = _recover(step, digest);
        return recovered != address(0) && recovered == _ownerOf(step, side);
    }

    /// CH-2 *signed*: `total` is what the side has paid in all by what it signed.
    function isSigned(Step memory step, Words channel, uint256 side, bytes32 digest, uint256 total)
        internal
        pure
        returns (bool)
    {
        address recovered = _recover(step, digest);
        if (recovered == address(0)) return false;
        if (recovered == _ownerOf(step, side)) return true;
        if (uint160(recovered) != channel.get(side == 0 ? CHANNEL_KEY_A : CHANNEL_KEY_B)) return false;
        if (step.l2Time > channel.get(side == 0 ? CHANNEL_EXPIRY_A : CHANNEL_EXPIRY_B)) return false;
        return total <= channel.get(side == 0 ? CHANNEL_CAP_A : CHANNEL_CAP_B);
    }

    /// Times end with 32 bits.
    function capTime(uint256 time) internal pure returns (uint256) {
        return time > type(uint32).max ? type(uint32).max : time;
    }

    function heldBy(Words channel) internal pure returns (uint256) {
        return channel.get(CHANNEL_DEPOSIT_A) + channel.get(CHANNEL_DEPOSIT_B);
    }

    /// CH-3
    function payOut(Step memory step, Words channel, uint256 paidByA, uint256 paidByB) internal pure {
        uint256 held = heldBy(channel);
        uint256 share = channel.get(CHANNEL_DEPOSIT_B) + paidByA;
        share = share > paidByB ? share - paidByB : 0;
        if (share > held) share = held;
        (step.amount, step.settlement) = (held, SETTLEMENT_PAID);
        Money.credit(step.touch(KIND_AGENT, step.requester), held - share);
        Money.credit(step.touch(KIND_AGENT, step.provider), share);
        Slots.free(step, KIND_CHANNEL, channel, step.slot);
    }

    function _ownerOf(Step memory step, uint256 side) private pure returns (address) {
        return address(uint160(step.touch(KIND_AGENT, side == 0 ? step.requester : step.provider).get(AGENT_OWNER)));
    }

    /// The signer of the carried signature (SG-1), zero for none.
    function _recover(Step memory step, bytes32 digest) private pure returns (address) {
        Words register = step.register();
        return CompactSignature.recover(digest, register.get(REGISTER_SIGNATURE_R), register.get(REGISTER_SIGNATURE_VS));
    }
}
