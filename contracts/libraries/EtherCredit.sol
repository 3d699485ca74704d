// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title ETH that its owners pull, as the contracts of a chain hold it: credits by account, and what is burned
library EtherCredit {
    /// Anyone may send it what was burned.
    address internal constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    error NoCredit(address account);
    error NothingBurned();
    error PaymentFailed(address to, uint256 amountWei);

    /// The caller's whole credit, which is none from now on.
    function take(mapping(address account => uint256) storage credit) internal returns (uint256 amountWei) {
        amountWei = credit[msg.sender];
        if (amountWei == 0) revert NoCredit(msg.sender);
        credit[msg.sender] = 0;
    }

    /// Pays with all the gas there is, or reverts. The state says already that it is paid.
    function send(address to, uint256 amountWei) internal {
        (bool ok,) = to.call{value: amountWei}("");
        if (!ok) revert PaymentFailed(to, amountWei);
    }

    /// Sends what was burned on its way. The state says already that nothing is left.
    function sendBurned(uint256 amountWei) internal {
        if (amountWei == 0) revert NothingBurned();
        send(BURN_ADDRESS, amountWei);
    }
}
