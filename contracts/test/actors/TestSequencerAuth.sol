// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISequencerAuth} from "../../interfaces/ISequencerAuth.sol";

/// Lets exactly the accounts submit that it was told about.
contract TestSequencerAuth is ISequencerAuth {
    mapping(address account => bool) public isSequencer;

    function set(address account, bool allowed) external {
        isSequencer[account] = allowed;
    }
}
