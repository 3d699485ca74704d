// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyVerifier} from "../../interfaces/IBountyVerifier.sol";

/// Says yes to the deliverable that is the hash of what the caller brings, if the specification is what it expects.
contract TestVerifier is IBountyVerifier {
    bytes32 private immutable specHash;
    constructor(bytes32 specHash_) {
        specHash = specHash_;
    }

    /// An evaluator that is a contract, and says whatever it is told to.
    function execute(address to, bytes calldata call_) external {
        (bool ok, bytes memory returned) = to.call(call_);
        if (!ok) {
            assembly {
                revert(add(returned, 32), mload(returned))
            }
        }
    }

    function verify(uint256, address, bytes32 deliverable, bytes32 specHash_, bytes calldata data)
        external
        view
        returns (bool)
    {
        if (data.length == 0) revert("nothing to see");
        return specHash_ == specHash && deliverable == keccak256(data);
    }
}
