// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelConfig, ChannelState, Recorded} from "../../interfaces/IChannelAdjudicator.sol";

/// Marks of channels as a test wants them, in place of an adjudicator.
contract TestMarks {
    mapping(bytes32 channelId => ChannelState) private states;
    mapping(bytes32 channelId => Recorded) private records;
    mapping(bytes32 grant => bool) private grants;

    function setMark(bytes32 channelId, ChannelState calldata state, Recorded calldata recorded) external {
        (states[channelId], records[channelId]) = (state, recorded);
    }

    function setGrant(bytes32 channelId, address principal, address key, uint64 cap, uint40 expiry) external {
        grants[keccak256(abi.encode(channelId, principal, key, cap, expiry))] = true;
    }

    function channelOf(bytes32 channelId) external view returns (ChannelState memory) {
        return states[channelId];
    }

    function recordedOf(bytes32 channelId) external view returns (Recorded memory) {
        return records[channelId];
    }

    function isGrantRegistered(bytes32 channelId, address principal, address key, uint64 cap, uint40 expiry)
        external
        view
        returns (bool)
    {
        return grants[keccak256(abi.encode(channelId, principal, key, cap, expiry))];
    }

    function channelIdOf(ChannelConfig calldata config) external pure returns (bytes32) {
        return keccak256(abi.encode(config));
    }

    function domainSeparator() external view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("agnt2 channel"),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
    }
}
