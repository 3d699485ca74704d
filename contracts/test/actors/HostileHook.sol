// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IJobHook} from "../../interfaces/IJobHook.sol";

/// A hook of a job in the ways a job has to survive.
contract HostileHook is IJobHook {
    enum Mode {
        Good,
        Reverts,
        BurnsGas,
        ReturnsBomb,
        RevertsBomb,
        CallsBack
    }

    Mode public mode;
    address private target;
    bytes private data;
    /// How often it was told of something, and of what last: the function, and the hash of its arguments.
    uint256 public told;
    bytes4 public lastSelector;
    bytes32 public lastDataHash;
    /// What the last call back said; empty for success.
    bytes public lastRevert;
    uint256 public successes;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    /// The call that it makes in mode CallsBack.
    function setCall(address target_, bytes calldata data_) external {
        (mode, target, data) = (Mode.CallsBack, target_, data_);
    }

    function beforeAction(uint256, bytes4 selector, bytes calldata data_) external {
        if (mode == Mode.Good) (lastSelector, lastDataHash) = (selector, keccak256(data_));
        _act();
    }

    function afterAction(uint256, bytes4 selector, bytes calldata) external {
        if (mode == Mode.Good && selector != lastSelector) revert("after another action than before");
        _act();
    }

    function _act() private {
        if (mode == Mode.Reverts) revert("no");
        if (mode == Mode.BurnsGas) {
            assembly {
                invalid()
            }
        }
        if (mode == Mode.ReturnsBomb) {
            assembly {
                return(0, 50000)
            }
        }
        if (mode == Mode.RevertsBomb) {
            assembly {
                revert(0, 50000)
            }
        }
        if (mode == Mode.CallsBack) {
            (bool ok, bytes memory returned) = target.call(data);
            if (ok) successes += 1;
            else lastRevert = bytes.concat(bytes4(returned));
            return;
        }
        told += 1;
    }
}
