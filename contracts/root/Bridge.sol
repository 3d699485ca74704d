// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {DEPTH_WITHDRAWAL, KIND_WITHDRAWAL, MAX_UNITS} from "../generated/Constants.sol";
import {BridgeConfig, IBridge} from "../interfaces/IBridge.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {LimitedPayment} from "../libraries/LimitedPayment.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {CloneArguments} from "./CloneArguments.sol";

/// The asset of one chain. See `IBridge`.
contract Bridge is IBridge, CloneArguments, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// What a recipient or the token gets to run with. More is available by pulling.
    uint256 public constant PAYOUT_GAS = LimitedPayment.PAYMENT_GAS;

    // Words of BridgeConfig.
    uint256 private constant INBOX = 0;
    uint256 private constant SETTLEMENT = 1;
    uint256 private constant ASSET = 2;
    uint256 private constant ASSET_SCALE = 3;
    uint256 private constant PAYOUT_DELAY = 4;
    uint256 private constant EXODUS = 5;
    uint256 private constant GUARDIAN = 6;
    uint256 private constant GUARDIAN_SECONDS = 7;
    uint256 private constant CONFIG_WORDS = 8;
    /// Where the bits of a kind start among the nullifier words; an index has 64 bits, a word takes 8 of them.
    uint256 private constant KIND_SHIFT = 56;

    /// One bit for each withdrawal, and for each leaf of another kind that the exodus paid: paid, or waiting in `claimable`.
    mapping(uint256 word => uint256) private nullifiers;
    /// @inheritdoc IBridge
    mapping(address recipient => uint256) public claimable;
    /// @inheritdoc IBridge
    uint64 public pausedUntil;
    /// @inheritdoc IBridge
    uint64 public pausedSeconds;

    modifier whenNotPaused() {
        if (block.timestamp < pausedUntil) revert Paused(pausedUntil);
        _;
    }

    /// @inheritdoc IBridge
    function deposit(address account, uint256 amount) external payable nonReentrant returns (uint64 entry) {
        if (account == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        uint256 scale = _argument(ASSET_SCALE);
        if (amount % scale != 0) revert NotWholeUnits(amount, scale);

        IERC20 asset = IERC20(_addressArgument(ASSET));
        uint256 held;
        if (address(asset) == address(0)) {
            if (msg.value != amount) revert WrongValue(msg.value, amount);
            held = address(this).balance;
        } else {
            if (msg.value != 0) revert WrongValue(msg.value, 0);
            uint256 before = asset.balanceOf(address(this));
            asset.safeTransferFrom(msg.sender, address(this), amount);
            held = asset.balanceOf(address(this));
            if (held < before || held - before != amount) {
                revert WrongAmountReceived(held < before ? 0 : held - before, amount);
            }
        }
        // What is held bounds what is owed, so this bounds every balance of the chain. Giving tokens away to reach the cap costs no less
        // than depositing them.
        if (held / scale > MAX_UNITS) revert CapExceeded(held / scale, MAX_UNITS);

        entry = IInbox(_addressArgument(INBOX)).enqueueDeposit(msg.sender, account, uint64(amount / scale));
        emit Deposited(entry, msg.sender, amount);
    }

    /// @inheritdoc IBridge
    function withdraw(uint64 index, bytes32[4] calldata leaf, bytes32[] calldata siblings, bytes32 claimId)
        external
        nonReentrant
    {
        verifyWithdrawal(index, leaf, siblings, claimId);
        // First word of a WITHDRAWAL leaf: recipient (20 bytes), amount (8), l2Time (4).
        address recipient = address(uint160(uint256(leaf[0]) >> 96));
        uint256 amount = uint256(uint64(uint256(leaf[0]) >> 32)) * _argument(ASSET_SCALE);
        // An empty leaf is in every state, and is no withdrawal.
        if (amount == 0) revert ZeroAmount();
        if (!_nullify(KIND_WITHDRAWAL, index)) revert AlreadyWithdrawn(index);
        emit Withdrawn(index, recipient, amount, _payOrKeep(recipient, amount));
    }

    /// @inheritdoc IBridge
    function verifyWithdrawal(uint64 index, bytes32[4] calldata leaf, bytes32[] calldata siblings, bytes32 claimId)
        public
        view
        whenNotPaused
    {
        (bytes32 stateRoot, uint32 confirmedAt) =
            ISettlement(_addressArgument(SETTLEMENT)).confirmedState(claimId);
        uint256 payableAt = confirmedAt + _argument(PAYOUT_DELAY);
        if (block.timestamp < payableAt) revert PayoutDelayed(payableAt);
        bytes32 root = StateProof.rootOf(KIND_WITHDRAWAL, DEPTH_WITHDRAWAL, index, leaf, siblings);
        if (root != stateRoot) revert BadProof(root, stateRoot);
    }

    /// @inheritdoc IBridge
    function payExodus(uint8 kind, uint64 index, address to, uint64 units) external nonReentrant whenNotPaused {
        if (msg.sender != _addressArgument(EXODUS)) revert NotExodus(msg.sender);
        if (!_nullify(kind, index)) revert AlreadyPaid(kind, index);
        uint256 amount = units * _argument(ASSET_SCALE);
        emit ExodusPaid(kind, index, to, amount, _payOrKeep(to, amount));
    }

    /// @inheritdoc IBridge
    function pause(uint32 duration) external {
        if (msg.sender != _addressArgument(GUARDIAN)) revert NotGuardian(msg.sender);
        uint256 spent = pausedSeconds + duration;
        uint256 limit = _argument(GUARDIAN_SECONDS);
        if (spent > limit) revert PauseSpent(spent, limit);
        (pausedUntil, pausedSeconds) = (uint64(block.timestamp + duration), uint64(spent));
        emit PausedUntil(pausedUntil, spent);
    }

    /// @inheritdoc IBridge
    function withdrawClaimable(address to) external nonReentrant whenNotPaused {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = claimable[msg.sender];
        if (amount == 0) revert NothingClaimable(msg.sender);
        delete claimable[msg.sender];
        emit ClaimablePaid(msg.sender, to, amount);

        IERC20 asset = IERC20(_addressArgument(ASSET));
        if (address(asset) != address(0)) return asset.safeTransfer(to, amount);
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert PaymentFailed(to, amount);
    }

    /// @inheritdoc IBridge
    function isWithdrawn(uint64 index) external view returns (bool) {
        return isPaid(uint8(KIND_WITHDRAWAL), index);
    }

    /// @inheritdoc IBridge
    function isPaid(uint8 kind, uint64 index) public view returns (bool) {
        return nullifiers[_wordOf(kind, index)] & (1 << (index & 255)) != 0;
    }

    /// @inheritdoc IBridge
    function heldUnits() external view returns (uint256) {
        address asset = _addressArgument(ASSET);
        uint256 held = asset == address(0) ? address(this).balance : IERC20(asset).balanceOf(address(this));
        return held / _argument(ASSET_SCALE);
    }

    /// @inheritdoc IBridge
    function config() external view returns (BridgeConfig memory) {
        return abi.decode(_arguments(CONFIG_WORDS), (BridgeConfig));
    }

    /// False if it was paid already.
    function _nullify(uint256 kind, uint64 index) private returns (bool) {
        uint256 place = _wordOf(kind, index);
        uint256 word = nullifiers[place];
        uint256 bit = 1 << (index & 255);
        nullifiers[place] = word | bit;
        return word & bit == 0;
    }

    /// Withdrawals, which have the most, are at the kind's place zero: their keys have no more bytes than they need.
    function _wordOf(uint256 kind, uint64 index) private pure returns (uint256) {
        return ((kind ^ KIND_WITHDRAWAL) << KIND_SHIFT) | (index >> 8);
    }

    function _payOrKeep(address recipient, uint256 amount) private returns (bool paid) {
        paid = LimitedPayment.push(_addressArgument(ASSET), recipient, amount);
        if (!paid) claimable[recipient] += amount;
    }
}
