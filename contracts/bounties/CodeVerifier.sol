// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyVerifier} from "../interfaces/IBountyVerifier.sol";
import {CodeSpec, ICodeVerifier} from "../interfaces/ICodeVerifier.sol";
import {BountyCalls} from "./BountyCalls.sol";

/// Checks what was deployed. See `ICodeVerifier`. It has no state and no owner.
contract CodeVerifier is ICodeVerifier {
    /// What the conformance call gets to run with.
    uint256 public constant CALL_GAS = 500_000;
    uint256 public constant MAX_RETURN_BYTES = 4_096;

    /// It reverts with the reason instead of saying no.
    /// @inheritdoc IBountyVerifier
    function verify(uint256, address, bytes32 deliverable, bytes32 specHash, bytes calldata data)
        external
        view
        returns (bool)
    {
        CodeSpec memory spec = abi.decode(data, (CodeSpec));
        // Hashed anew: bytes that decode to the same may be written in more than one way.
        bytes32 hash = keccak256(abi.encode(spec));
        if (hash != specHash) revert WrongSpec(hash, specHash);
        if (uint256(deliverable) >> 160 != 0) revert NotAnAddress(deliverable);
        _check(address(uint160(uint256(deliverable))), spec);
        return true;
    }

    /// @inheritdoc ICodeVerifier
    function check(address deployed, CodeSpec calldata spec) external view {
        _check(deployed, spec);
    }

    /// @inheritdoc ICodeVerifier
    function specHashOf(CodeSpec calldata spec) external pure returns (bytes32) {
        return keccak256(abi.encode(spec));
    }

    function _check(address deployed, CodeSpec memory spec) private view {
        if (deployed.codehash != spec.codeHash) revert WrongCode(deployed, deployed.codehash, spec.codeHash);
        if (deployed.code.length == 0) revert WrongCode(deployed, deployed.codehash, spec.codeHash);
        bytes32 returnHash = _ask(deployed, spec.callData);
        if (returnHash != spec.returnHash) revert WrongAnswer(deployed, returnHash, spec.returnHash);
    }

    function _ask(address deployed, bytes memory callData) private view returns (bytes32) {
        BountyCalls.requireGas(CALL_GAS);
        uint256 gasLimit = CALL_GAS;
        bool ok;
        uint256 length;
        assembly ("memory-safe") {
            ok := staticcall(gasLimit, deployed, add(callData, 32), mload(callData), 0, 0)
            length := returndatasize()
        }
        if (!ok) revert CallFailed(deployed);
        if (length > MAX_RETURN_BYTES) revert ReturnTooLong(deployed, length, MAX_RETURN_BYTES);
        bytes memory returned = new bytes(length);
        assembly ("memory-safe") {
            returndatacopy(add(returned, 32), 0, length)
        }
        return keccak256(returned);
    }
}
