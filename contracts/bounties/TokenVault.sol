// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ITokenVault} from "../interfaces/ITokenVault.sol";

/// Money in common. See `ITokenVault`. An heir guards each function that changes state (`nonReentrant`), and accounts like this:
/// `_take` when money comes in, `_credit` when it is decided whose it is, `_release` before it pays on itself what it holds,
/// `_admit` after money came in otherwise. Every base unit that it holds for somebody is in `owed`.
abstract contract TokenVault is ITokenVault, Ownable2Step, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Fee {
        uint16 bps;
        address recipient;
    }

    address public constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    uint16 public constant MAX_FEE_BPS = 500;
    /// Of one amount, in base units: sums of two and products with basis points are far from overflow.
    uint128 public constant MAX_AMOUNT = type(uint128).max / 2;
    uint16 internal constant BPS = 10_000;

    /// @inheritdoc ITokenVault
    mapping(address token => uint256) public owed;
    /// @inheritdoc ITokenVault
    mapping(address token => mapping(address account => uint256)) public credit;
    mapping(uint32 version => Fee) private fees;
    /// @inheritdoc ITokenVault
    uint32 public feeVersion;

    constructor(address owner_, uint16 feeBps, address feeRecipient) Ownable(owner_) {
        _setFee(0, feeBps, feeRecipient);
    }

    /// @inheritdoc ITokenVault
    function withdraw(address token, address to) external nonReentrant returns (uint256) {
        if (to == address(0) || to == address(this)) revert BadPayee(to);
        return _withdraw(token, msg.sender, to);
    }

    /// @inheritdoc ITokenVault
    function withdrawBurned(address token) external nonReentrant returns (uint256) {
        return _withdraw(token, BURN_ADDRESS, BURN_ADDRESS);
    }

    /// @inheritdoc ITokenVault
    function setFee(uint16 feeBps, address recipient) external onlyOwner {
        _setFee(++feeVersion, feeBps, recipient);
    }

    /// @inheritdoc ITokenVault
    function feeAt(uint32 version) public view returns (uint16 feeBps, address recipient) {
        if (version > feeVersion) revert UnknownFee(version, feeVersion);
        Fee storage fee = fees[version];
        return (fee.bps, fee.recipient);
    }

    /// Takes exactly `amount` from the caller of a payable function, or reverts. Zero is fine.
    function _take(address token, uint256 amount) internal {
        if (amount > MAX_AMOUNT) revert AmountTooLarge(amount, MAX_AMOUNT);
        uint256 expectedWei = token == address(0) ? amount : 0;
        if (msg.value != expectedWei) revert WrongValue(msg.value, expectedWei);
        if (amount == 0) return;
        if (token == address(0)) {
            owed[token] += amount;
            return;
        }
        uint256 before = _requireWhole(token);
        owed[token] += amount;
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = IERC20(token).balanceOf(address(this));
        uint256 received = held < before ? 0 : held - before;
        if (received != amount) revert WrongAmountReceived(token, received, amount);
    }

    /// What is held already becomes the account's. Never fails, whoever the account is.
    function _credit(address token, address account, uint256 amount) internal {
        if (amount == 0) return;
        credit[token][account] += amount;
        emit Credited(token, account, amount);
    }

    /// Credits what is paid for work, less the fee of that version.
    /// @return net what the payee got
    function _creditLessFee(address token, address payee, uint256 amount, uint32 version) internal returns (uint256 net) {
        (uint16 feeBps, address recipient) = feeAt(version);
        uint256 fee = amount * feeBps / BPS;
        net = amount - fee;
        _credit(token, recipient, fee);
        _credit(token, payee, net);
    }

    function _burn(address token, uint256 amount) internal {
        _credit(token, BURN_ADDRESS, amount);
    }

    /// Before the heir itself pays `amount` of what it holds to a contract. Reverts while the balance is short, since it would be
    /// paid in full at the cost of the others.
    function _release(address token, uint256 amount) internal {
        if (token != address(0)) _requireWhole(token);
        owed[token] -= amount;
    }

    /// After the heir got `amount` from a contract that it believes.
    function _admit(address token, uint256 amount) internal {
        owed[token] += amount;
    }

    function _requireWhole(address token) private view returns (uint256 balance) {
        balance = IERC20(token).balanceOf(address(this));
        if (balance < owed[token]) revert BalanceShort(token, balance, owed[token]);
    }

    function _withdraw(address token, address account, address to) private returns (uint256 paid) {
        uint256 amount = credit[token][account];
        if (amount == 0) revert NoCredit(token, account);
        uint256 all = owed[token];
        uint256 balance = token == address(0) ? address(this).balance : IERC20(token).balanceOf(address(this));
        paid = balance < all ? Math.mulDiv(amount, balance, all) : amount;
        // A credit is not given up for nothing: the token may give back what it took.
        if (paid == 0) revert BalanceShort(token, balance, all);
        credit[token][account] = 0;
        owed[token] = all - amount;
        emit CreditPaid(token, account, to, amount, paid);
        if (token != address(0)) {
            IERC20(token).safeTransfer(to, paid);
            return paid;
        }
        bool ok;
        // What the payee returns is not copied.
        assembly ("memory-safe") {
            ok := call(gas(), to, paid, 0, 0, 0, 0)
        }
        if (!ok) revert PaymentFailed(to, paid);
    }

    function _setFee(uint32 version, uint16 feeBps, address recipient) private {
        if (feeBps > MAX_FEE_BPS) revert FeeTooHigh(feeBps, MAX_FEE_BPS);
        if (feeBps != 0 && recipient == address(0)) revert FeeWithoutRecipient();
        fees[version] = Fee(feeBps, recipient);
        emit FeeSet(version, feeBps, recipient);
    }
}
