// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Steps} from "./Steps.sol";
import {Told} from "./ProverScene.sol";

/// Who calls chooses the gas: with too little of it a call fails as a whole. Above all the recovery of a signer must not fail inside a
/// call that goes on, as that would make a good signature a bad one.
contract StarvedGasTest is Steps {
    function test_verification_withAnyGasIsRightOrNone() external view {
        _sweep(_verification());
    }

    function test_transfer_withAnyGasIsRightOrNone() external {
        _sweep(_transfer());
    }

    function test_deposit_withAnyGasIsRightOrNone() external {
        _sweep(_deposit());
    }

    function testFuzz_verification_withAnyGasIsRightOrNone(uint24 gasLimit) external view {
        _isVerdict(_verification(), gasLimit);
    }

    function _sweep(Told memory told) private view {
        uint256 needed = _gasNeeded(told);
        // Every 97th amount from nothing to enough, and each of the last before it is.
        for (uint256 gasLimit = 0; gasLimit < needed; gasLimit += 97) _isVerdict(told, gasLimit);
        for (uint256 gasLimit = needed - 64; gasLimit < needed; ++gasLimit) {
            require(!_isVerdict(told, gasLimit), "more gas than needed was said to be");
        }
    }

    /// True if there was a verdict, and then it is the right one.
    function _isVerdict(Told memory told, uint256 gasLimit) private view returns (bool ok) {
        bytes memory output;
        (ok, output) = _judgeWith(told, gasLimit);
        if (ok) require(abi.decode(output, (bytes32)) == told.postRoot, "starved of gas, the prover gives another verdict");
    }

    /// The least gas with which there is a verdict.
    function _gasNeeded(Told memory told) private view returns (uint256) {
        (uint256 low, uint256 high) = (0, 10_000_000);
        // Without this one would be looked for 100,000 times, and each step of it recorded when the test fails.
        require(_isVerdict(told, high), "with more than enough gas there is no verdict");
        while (low + 1 < high) {
            uint256 middle = (low + high) / 2;
            if (_isVerdict(told, middle)) high = middle;
            else low = middle;
        }
        return high;
    }
}
