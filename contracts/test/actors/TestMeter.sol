// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyMeter} from "../../interfaces/IBountyMeter.sol";

/// A meter that says what it is told to say, in the ways a board has to survive.
contract TestMeter is IBountyMeter {
    enum Mode {
        Good,
        Reverts,
        BurnsGas,
        ReturnsBomb,
        ReturnsNothing,
        CallsBack
    }

    Mode public mode;
    bool public failed;
    uint256 public units;
    /// Nobody else may begin; 0 for anyone.
    address public only;
    address public operator;
    bytes public params;
    uint256 public begun;
    address private target;
    bytes private data;
    bytes public lastRevert;

    error Refused(address operator);

    function set(Mode mode_, uint256 units_, bool failed_) external {
        (mode, units, failed) = (mode_, units_, failed_);
    }

    function setOnly(address only_) external {
        only = only_;
    }

    /// The call that `begin` makes in mode CallsBack.
    function setCall(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function begin(uint256, address operator_, uint256, bytes calldata params_) external {
        if (mode == Mode.CallsBack) {
            (bool ok, bytes memory returned) = target.call(data);
            lastRevert = ok ? bytes("") : returned;
        } else {
            _misbehave();
        }
        if (only != address(0) && only != operator_) revert Refused(operator_);
        (operator, params, units, failed) = (operator_, params_, 0, false);
        ++begun;
    }

    function unitsOf(address, uint256) external view returns (uint256) {
        _misbehave();
        return units;
    }

    function hasFailed(address, uint256) external view returns (bool) {
        _misbehave();
        return failed;
    }

    function _misbehave() private view {
        if (mode == Mode.Reverts) revert("broken");
        if (mode == Mode.BurnsGas) {
            assembly {
                invalid()
            }
        }
        if (mode == Mode.ReturnsBomb) {
            assembly {
                revert(0, 200000)
            }
        }
        if (mode == Mode.ReturnsNothing) {
            assembly {
                return(0, 0)
            }
        }
    }
}
