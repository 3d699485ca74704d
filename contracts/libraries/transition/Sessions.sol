// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {KIND_SESSION} from "../../generated/Constants.sol";
import {
    INVOCATION_PRICE,
    INVOCATION_SESSION_ID,
    INVOCATION_SESSION_SLOT,
    SESSION_LAST_HASH,
    SESSION_OUTSTANDING,
    SESSION_PAID,
    SESSION_SEQUENCE
} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Money} from "./Money.sol";
import {Step} from "./Step.sol";

/// @title What a call does to its session (R-10, IV-11)
library Sessions {
    /// IV-11
    function callMade(Words session, uint256 inputHash) internal pure {
        session.set(SESSION_SEQUENCE, session.get(SESSION_SEQUENCE) + 1);
        session.set(SESSION_OUTSTANDING, session.get(SESSION_OUTSTANDING) + 1);
        _chain(session, inputHash);
    }

    /// R-10 *session answered*
    function answered(Step memory step, Words call, uint256 outputHash) internal pure {
        if (call.get(INVOCATION_SESSION_ID) == 0) return;
        _chain(step.touch(KIND_SESSION, call.get(INVOCATION_SESSION_SLOT)), outputHash);
    }

    /// R-10 *session ended*
    function ended(Step memory step, Words call, bool isPaid) internal pure {
        if (call.get(INVOCATION_SESSION_ID) == 0) return;
        Words session = step.touch(KIND_SESSION, call.get(INVOCATION_SESSION_SLOT));
        session.set(SESSION_OUTSTANDING, session.get(SESSION_OUTSTANDING) - 1);
        if (isPaid) session.set(SESSION_PAID, Money.saturatingSum(session.get(SESSION_PAID), call.get(INVOCATION_PRICE)));
    }

    function _chain(Words session, uint256 hash) private pure {
        session.set(SESSION_LAST_HASH, uint256(keccak256(abi.encode(session.get(SESSION_LAST_HASH), hash))));
    }
}
