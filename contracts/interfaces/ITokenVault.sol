// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Money that a contract holds for many (docs/BOUNTIES.md, section 4): ETH, which is token 0, and ERC-20s. Whatever anybody is owed
/// is a credit that it pulls. A token can hurt those who chose it, and nobody else:
/// - delivers another amount than asked: refused when it comes in,
/// - takes balances away: all who are owed this token lose the same part, and no more of it comes in until the balance is whole again,
/// - takes more than is sent when it goes out: as before,
/// - refuses or calls back: that call fails.
interface ITokenVault {
    event Credited(address indexed token, address indexed account, uint256 amount);
    /// `paid` is less than `amount` if the token took balances away.
    event CreditPaid(address indexed token, address indexed account, address indexed to, uint256 amount, uint256 paid);
    /// Holds for what is funded from now on.
    event FeeSet(uint32 indexed version, uint16 feeBps, address recipient);

    error WrongValue(uint256 valueWei, uint256 expectedWei);
    error WrongAmountReceived(address token, uint256 received, uint256 expected);
    error AmountTooLarge(uint256 amount, uint256 max);
    /// The token took away what belongs to those who are owed it: nothing comes in, or leaves but by `withdraw`.
    error BalanceShort(address token, uint256 balance, uint256 owed);
    error NoCredit(address token, address account);
    error BadPayee(address to);
    error PaymentFailed(address to, uint256 amount);
    error FeeTooHigh(uint16 feeBps, uint16 max);
    error FeeWithoutRecipient();
    error UnknownFee(uint32 version, uint32 latest);

    /// Pays the caller's whole credit: all of it, or its part of the balance if that is below `owed`.
    /// @return paid in base units; a call that would pay nothing reverts
    function withdraw(address token, address to) external returns (uint256 paid);
    /// Sends what was burned to the burn address, by anyone. With a token that refuses it, it stays here for good: no less burned.
    function withdrawBurned(address token) external returns (uint256 paid);

    /// Sets the fee of what is funded from now on. By the owner, who can do nothing else.
    function setFee(uint16 feeBps, address recipient) external;

    function credit(address token, address account) external view returns (uint256);
    /// All that is held for somebody: pools, stakes, budgets, credits.
    function owed(address token) external view returns (uint256);
    /// Number of the fee that holds now. What is funded keeps the number that held then.
    function feeVersion() external view returns (uint32);
    function feeAt(uint32 version) external view returns (uint16 feeBps, address recipient);
}
