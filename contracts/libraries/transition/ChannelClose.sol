// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_CLOSE_TYPEHASH,
    CHANNEL_STATUS_CLOSING,
    CLOSE_MODE_COOPERATIVE,
    CLOSE_MODE_FINAL,
    E_AMOUNT,
    E_MALFORMED,
    E_NOT_DUE,
    E_NOT_PARTY,
    E_OWNER_ONLY,
    E_REFERENCE,
    E_SIGNATURE,
    MAX_UNITS,
    OK,
    SIGNER_OWNER
} from "../../generated/Constants.sol";
import {CHANNEL_DEADLINE, CHANNEL_PAID_BY_A, CHANNEL_PAID_BY_B, CHANNEL_STATUS} from "../../generated/LeafFields.sol";
import {R_CHANNEL_CLOSE_MODE, R_CHANNEL_CLOSE_PAID_BY_A, R_CHANNEL_CLOSE_PAID_BY_B} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {Channels} from "./Channels.sol";
import {Step} from "./Step.sol";

/// @title CHANNEL_CLOSE: pays out at once by what both agree on, or, by anyone, by what is known when the time to answer is over
library ChannelClose {
    function execute(Step memory step) internal pure returns (uint256) {
        uint256 mode = step.record.get(R_CHANNEL_CLOSE_MODE);
        uint256 paidByA = step.record.get(R_CHANNEL_CLOSE_PAID_BY_A);
        uint256 paidByB = step.record.get(R_CHANNEL_CLOSE_PAID_BY_B);
        if (mode > CLOSE_MODE_COOPERATIVE) return E_MALFORMED; // CH-10
        if (mode == CLOSE_MODE_FINAL && paidByA + paidByB != 0) return E_MALFORMED;
        if (paidByA > MAX_UNITS || paidByB > MAX_UNITS) return E_AMOUNT;
        (bool found, Words channel) = Channels.find(step);
        if (!found) return E_REFERENCE;
        if (mode == CLOSE_MODE_FINAL) return _closeFinally(step, channel);
        return _closeCooperatively(step, channel, paidByA, paidByB);
    }

    /// CH-11
    function _closeFinally(Step memory step, Words channel) private pure returns (uint256) {
        if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_CLOSING) return E_NOT_DUE;
        if (step.l2Time < channel.get(CHANNEL_DEADLINE)) return E_NOT_DUE;
        Channels.payOut(step, channel, channel.get(CHANNEL_PAID_BY_A), channel.get(CHANNEL_PAID_BY_B));
        return OK;
    }

    /// CH-12
    function _closeCooperatively(Step memory step, Words channel, uint256 paidByA, uint256 paidByB)
        private
        pure
        returns (uint256)
    {
        if (!Channels.isParty(step)) return E_NOT_PARTY;
        if (step.signer != SIGNER_OWNER) return E_OWNER_ONLY;
        bytes32 id = Channels.idOf(step, channel);
        bytes32 digest = Channels.digestOf(step, abi.encode(CHANNEL_CLOSE_TYPEHASH, id, paidByA, paidByB));
        uint256 other = Channels.otherSide(step);
        if (!Channels.isSigned(step, channel, other, digest, other == 0 ? paidByA : paidByB)) return E_SIGNATURE;
        Channels.payOut(step, channel, paidByA, paidByB);
        return OK;
    }
}
