// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    AUTH_L1_SENDER,
    BUNDLE_TYPEHASH,
    KIND_AGENT,
    MAX_BUNDLE_RECORDS,
    OP_HEADER,
    SIGNER_NONE,
    SIGNER_OWNER,
    SIGNER_SESSION
} from "../../generated/Constants.sol";
import {
    AGENT_NONCE,
    AGENT_OWNER,
    AGENT_SESSION_EXPIRY,
    AGENT_SESSION_KEY,
    MACHINE_FORCED_SENDER,
    REGISTER_AGENT,
    REGISTER_AUTH,
    REGISTER_COUNT,
    REGISTER_NONCE,
    REGISTER_RECORDS_HASH,
    REGISTER_SIGNATURE_R,
    REGISTER_SIGNATURE_VS,
    REGISTER_VALID_UNTIL
} from "../../generated/LeafFields.sol";
import {
    R_HEADER_AGENT,
    R_HEADER_AUTH,
    R_HEADER_COUNT,
    R_HEADER_NONCE,
    R_HEADER_PADDING_0,
    R_HEADER_SIGNATURE_R,
    R_HEADER_SIGNATURE_VS,
    R_HEADER_VALID_UNTIL
} from "../../generated/RecordFields.sol";
import {Words} from "../../types/Words.sol";
import {CompactSignature} from "../CompactSignature.sol";
import {Accounts} from "./Accounts.sol";
import {OP_FIELD, WORD_0} from "./RecordRules.sol";
import {Step} from "./Step.sol";

/// @title Headers of bundles (M-5, M-7, H-1 to H-4)
library Header {
    /// M-5: true if the slot is a header whose records fit the slots left (itself included).
    function isHeader(Words slot, uint256 slotsLeft, bool isForced) internal pure returns (bool) {
        if (slot.get(OP_FIELD) != OP_HEADER) return false;
        uint256 auth = slot.get(R_HEADER_AUTH);
        if (auth > AUTH_L1_SENDER) return false;
        uint256 count = slot.get(R_HEADER_COUNT);
        if (count == 0 || count > MAX_BUNDLE_RECORDS || 1 + count > slotsLeft) return false;
        if (slot.get(WORD_0) & R_HEADER_PADDING_0 != 0) return false;
        if (auth != AUTH_L1_SENDER) return true;
        return isForced && slot.get(R_HEADER_SIGNATURE_R) == 0 && slot.get(R_HEADER_SIGNATURE_VS) == 0;
    }

    /// M-5: fills the register.
    function load(Words register, Words slot) internal pure {
        register.clear();
        register.set(REGISTER_AGENT, slot.get(R_HEADER_AGENT));
        register.set(REGISTER_NONCE, slot.get(R_HEADER_NONCE));
        register.set(REGISTER_COUNT, slot.get(R_HEADER_COUNT));
        register.set(REGISTER_VALID_UNTIL, slot.get(R_HEADER_VALID_UNTIL));
        register.set(REGISTER_AUTH, slot.get(R_HEADER_AUTH));
        register.set(REGISTER_SIGNATURE_R, slot.get(R_HEADER_SIGNATURE_R));
        register.set(REGISTER_SIGNATURE_VS, slot.get(R_HEADER_SIGNATURE_VS));
    }

    /// H-1 to H-4: who signed, SIGNER_NONE if a check fails. Uses up the nonce of a good header (M-7).
    function admit(Step memory step, Words register, bytes32 domainSeparator) internal pure returns (uint256 signer) {
        uint256 index = register.get(REGISTER_AGENT);
        if (!Accounts.exists(step, index)) return SIGNER_NONE; // H-1
        Words agent = step.touch(KIND_AGENT, index);
        uint256 nonce = register.get(REGISTER_NONCE);
        if (nonce != agent.get(AGENT_NONCE)) return SIGNER_NONE; // H-2
        if (step.l2Time > register.get(REGISTER_VALID_UNTIL)) return SIGNER_NONE; // H-3
        signer = _signerOf(step, register, agent, domainSeparator); // H-4
        if (signer != SIGNER_NONE) agent.set(AGENT_NONCE, nonce + 1);
    }

    function _signerOf(Step memory step, Words register, Words agent, bytes32 domainSeparator) private pure returns (uint256) {
        uint256 owner = agent.get(AGENT_OWNER);
        if (register.get(REGISTER_AUTH) == AUTH_L1_SENDER) {
            return step.machine.get(MACHINE_FORCED_SENDER) == owner ? SIGNER_OWNER : SIGNER_NONE;
        }
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domainSeparator, _structHash(register)));
        uint256 recovered =
            uint160(CompactSignature.recover(digest, register.get(REGISTER_SIGNATURE_R), register.get(REGISTER_SIGNATURE_VS)));
        if (recovered == 0) return SIGNER_NONE;
        if (recovered == owner) return SIGNER_OWNER;
        bool isLive = step.l2Time <= agent.get(AGENT_SESSION_EXPIRY);
        return recovered == agent.get(AGENT_SESSION_KEY) && isLive ? SIGNER_SESSION : SIGNER_NONE;
    }

    /// B-5
    function _structHash(Words register) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                BUNDLE_TYPEHASH,
                register.get(REGISTER_AGENT),
                register.get(REGISTER_NONCE),
                register.get(REGISTER_COUNT),
                register.get(REGISTER_VALID_UNTIL),
                register.get(REGISTER_RECORDS_HASH)
            )
        );
    }
}
