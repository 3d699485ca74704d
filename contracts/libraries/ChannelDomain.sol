// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CHANNEL_DOMAIN_NAME_HASH, CHANNEL_DOMAIN_VERSION_HASH} from "../generated/Constants.sol";

/// @title The EIP-712 domain of a chain's channels, whatever their home (CH-1)
library ChannelDomain {
    bytes32 private constant TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    function separator(address adjudicator) internal view returns (bytes32) {
        return keccak256(
            abi.encode(TYPEHASH, CHANNEL_DOMAIN_NAME_HASH, CHANNEL_DOMAIN_VERSION_HASH, block.chainid, adjudicator)
        );
    }
}
