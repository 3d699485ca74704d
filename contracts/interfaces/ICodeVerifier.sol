// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyVerifier} from "./IBountyVerifier.sol";

/// What somebody is hired to deploy. Its hash, `keccak256(abi.encode(spec))`, is the `specHash` of the job.
struct CodeSpec {
    /// Of the deployed code, immutables included.
    bytes32 codeHash;
    /// What the conformance call sends.
    bytes callData;
    /// keccak256 of what it returns.
    bytes32 returnHash;
}

/// Says yes to a contract whose code has the hash that was asked for, and that answers a call as asked. The deliverable is its
/// address, as a word. What else the code can do, and what it answers afterwards, is for whoever names the hash to know.
interface ICodeVerifier is IBountyVerifier {
    error WrongSpec(bytes32 specHash, bytes32 expected);
    error NotAnAddress(bytes32 deliverable);
    error WrongCode(address deployed, bytes32 codeHash, bytes32 expected);
    error CallFailed(address deployed);
    error ReturnTooLong(address deployed, uint256 bytesReturned, uint256 max);
    error WrongAnswer(address deployed, bytes32 returnHash, bytes32 expected);
    // And `TooLittleGas` of BountyCalls.

    /// For the caller that wonders why: like `verify`, and reverts with the reason.
    function check(address deployed, CodeSpec calldata spec) external view;
    function specHashOf(CodeSpec calldata spec) external pure returns (bytes32);
}
