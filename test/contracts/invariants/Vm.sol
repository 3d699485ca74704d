// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The cheat codes that the tests here use.
interface Vm {
    /// Lets the next call come from `sender`.
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function deal(address account, uint256 balanceWei) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 privateKey) external pure returns (address);
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
