// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Receives ETH in the ways a payer has to survive, and makes any call it is told to.
contract HostileRecipient {
    enum Mode {
        Good,
        Reverts,
        BurnsGas,
        ReturnsBomb,
        CallsBack
    }

    Mode public mode;
    address private target;
    bytes private data;
    /// How often a call back from `receive` succeeded.
    uint256 public successes;
    /// What the last call back that failed said.
    bytes public lastRevert;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    /// The call that `receive` makes in mode CallsBack.
    function setCall(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function execute(address to, uint256 value, bytes calldata call_) external payable returns (bytes memory) {
        (bool ok, bytes memory returned) = to.call{value: value}(call_);
        if (!ok) {
            assembly {
                revert(add(returned, 32), mload(returned))
            }
        }
        return returned;
    }

    receive() external payable {
        if (mode == Mode.Reverts) revert("no thanks");
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
        if (mode == Mode.CallsBack) {
            (bool ok, bytes memory returned) = target.call(data);
            if (ok) successes += 1;
            else lastRevert = returned;
        }
    }
}
