// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Makes a call while it has no code yet.
contract ConstructorCaller {
    constructor(address target, bytes memory data) {
        (bool ok, bytes memory returned) = target.call(data);
        if (!ok) {
            assembly {
                revert(add(returned, 32), mload(returned))
            }
        }
    }
}
