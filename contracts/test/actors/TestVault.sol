// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TokenVault} from "../../bounties/TokenVault.sol";

/// A vault that does what it is told, in the ways its heirs do.
contract TestVault is TokenVault {
    constructor(address owner_, uint16 feeBps, address feeRecipient) TokenVault(owner_, feeBps, feeRecipient) {}

    function take(address token, uint256 amount) external payable nonReentrant {
        _take(token, amount);
    }

    /// Money of the caller that becomes another's at once.
    function give(address token, address account, uint256 amount) external payable nonReentrant {
        _take(token, amount);
        _credit(token, account, amount);
    }

    function pay(address token, address payee, uint256 amount, uint32 version) external payable nonReentrant {
        _take(token, amount);
        _creditLessFee(token, payee, amount, version);
    }

    function burn(address token, uint256 amount) external payable nonReentrant {
        _take(token, amount);
        _burn(token, amount);
    }

    function release(address token, uint256 amount) external nonReentrant {
        _release(token, amount);
    }

    function admit(address token, uint256 amount) external nonReentrant {
        _admit(token, amount);
    }
}
