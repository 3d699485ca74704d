// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// An ERC-1271 wallet of one owner, whose signatures are a byte 0x71 before the owner's 65 bytes; and the ways in which such a wallet
/// can be a bad party of a channel.
contract SmartWallet {
    enum Mode {
        Honest,
        Refuses,
        Reverts,
        BurnsGas,
        ReturnsBomb,
        ReturnsDirtyWord,
        TriesToWrite
    }

    address private immutable owner = msg.sender;
    Mode public mode;
    uint256 public writes;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function execute(address to, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool ok, bytes memory returned) = to.call{value: value}(data);
        if (!ok) {
            assembly {
                revert(add(returned, 32), mload(returned))
            }
        }
        return returned;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (mode == Mode.Reverts) revert("no");
        if (mode == Mode.BurnsGas) {
            assembly {
                invalid()
            }
        }
        if (mode == Mode.ReturnsBomb) {
            assembly {
                return(0, 400000)
            }
        }
        if (mode == Mode.ReturnsDirtyWord) {
            assembly {
                mstore(0, or(shl(224, 0x1626ba7e), 1))
                return(0, 32)
            }
        }
        if (mode == Mode.TriesToWrite) {
            (bool ok,) = address(this).staticcall(abi.encodeCall(this.bump, ()));
            ok;
        }
        if (mode == Mode.Refuses || signature.length != 66 || signature[0] != 0x71) return 0xffffffff;
        address signer =
            ecrecover(digest, uint8(signature[65]), bytes32(signature[1:33]), bytes32(signature[33:65]));
        return signer == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }

    function bump() external {
        writes += 1;
    }

    receive() external payable {}
}
