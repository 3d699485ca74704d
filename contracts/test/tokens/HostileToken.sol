// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TestToken} from "./TestToken.sol";

/// Takes deposits like any token; how it behaves when it pays out can be switched.
contract HostileToken is TestToken {
    enum Mode {
        Good,
        ReturnsFalse,
        Reverts,
        BurnsGas,
        ReturnsNothing,
        ReturnsTwo,
        ShrinksBalance,
        GrowsBalance
    }

    Mode public mode;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (mode == Mode.ReturnsFalse) return false;
        if (mode == Mode.Reverts) revert("frozen");
        if (mode == Mode.BurnsGas) {
            assembly {
                invalid()
            }
        }
        super.transfer(to, amount);
        if (mode == Mode.ReturnsNothing) {
            assembly {
                return(0, 0)
            }
        }
        if (mode == Mode.ReturnsTwo) {
            assembly {
                mstore(0, 2)
                return(0, 32)
            }
        }
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        if (mode == Mode.ReturnsFalse) return false;
        if (mode == Mode.ShrinksBalance) _burn(to, balanceOf(to));
        if (mode == Mode.GrowsBalance) _mint(to, 1);
        return true;
    }
}
