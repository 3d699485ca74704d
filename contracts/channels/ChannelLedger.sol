// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MAX_UNITS} from "../generated/Constants.sol";
import {ChannelConfig, ChannelStatus, IChannelAdjudicator} from "../interfaces/IChannelAdjudicator.sol";
import {LimitedPayment} from "../libraries/LimitedPayment.sol";
import {CloneArguments} from "../root/CloneArguments.sol";
import {ChannelWord} from "../types/ChannelWord.sol";
import {ChannelPayments} from "./ChannelPayments.sol";

uint8 constant HOME_L1 = 0;
uint8 constant HOME_CORE = 1;
uint8 constant ONE_WAY = 1;

/// The adjudicator's books: what each channel holds, what goes in and out, and what waits for who could not be paid.
abstract contract ChannelLedger is IChannelAdjudicator, CloneArguments {
    // Words of AdjudicatorConfig.
    uint256 internal constant BRIDGE = 0;
    uint256 internal constant EXODUS = 1;
    uint256 internal constant ASSET = 2;
    uint256 internal constant ASSET_SCALE = 3;
    uint256 internal constant CONFIG_WORDS = 4;

    mapping(bytes32 channelId => ChannelWord) internal words;
    /// @inheritdoc IChannelAdjudicator
    mapping(address asset => mapping(address owner => uint256)) public credits;

    function _checkConfig(ChannelConfig calldata config_) internal pure {
        if (config_.home != HOME_L1) revert BadConfig("home");
        if (config_.partyA == address(0)) revert BadConfig("partyA");
        if (config_.partyB == address(0) || config_.partyB == config_.partyA) revert BadConfig("partyB");
        if (config_.unit == 0 || config_.unit > MAX_UNITS) revert BadConfig("unit");
        if (config_.windowSeconds == 0) revert BadConfig("windowSeconds");
        if (config_.flags > ONE_WAY) revert BadConfig("flags");
        if (config_.salt > MAX_UNITS) revert BadConfig("salt");
    }

    /// Only a channel that is OPEN takes deposits. The money comes last.
    function _deposit(
        bytes32 channelId,
        ChannelConfig calldata config_,
        ChannelWord word,
        uint8 side,
        uint64 units
    ) internal {
        _requireStatus(channelId, word, ChannelStatus.OPEN);
        if (side > 1) revert BadSide(side);
        if (side == 1 && units != 0 && config_.flags == ONE_WAY) revert OneWay(channelId);
        int256 added = int256(uint256(units));
        (int256 netA, int256 netB) = (word.net(0), word.net(1));
        if (side == 0) netA += added;
        else netB += added;
        // Keeps both nets and what is held within what is counted.
        _requireNet(side == 0 ? netA : netB);
        _requireNet(netA + netB);
        words[channelId] = word.withNets(netA, netB);
        emit Deposited(channelId, side, units);
        (address asset, uint256 unit) = _assetOf(config_);
        ChannelPayments.pull(asset, units * unit);
    }

    /// Total: whatever was signed, the shares are never negative and come to what is held.
    function _sharesOf(ChannelWord word, int256 paidByA, int256 paidByB)
        internal
        pure
        returns (uint256 shareA, uint256 shareB)
    {
        // Nothing here has more than 64 bits, so that nothing can overflow.
        unchecked {
            int256 held = word.held();
            int256 ofB = word.net(1) + paidByA - paidByB;
            if (ofB < 0) ofB = 0;
            if (ofB > held) ofB = held;
            return (uint256(held - ofB), uint256(ofB));
        }
    }

    /// `amount` is at most what is held.
    function _debit(ChannelWord word, uint8 side, uint64 amount) internal pure returns (ChannelWord) {
        // Nobody can have earned more than that; it keeps the nets within what is counted.
        unchecked {
            int256 net = word.net(side) - int256(uint256(amount));
            _requireNet(net);
            return side == 0 ? word.withNets(net, word.net(1)) : word.withNets(word.net(0), net);
        }
    }

    /// Announces the end and pays the shares. `word` is as it was before the end.
    function _payShares(
        bytes32 channelId,
        ChannelConfig calldata config_,
        ChannelWord word,
        bool isUnilateral,
        uint256 paidByA,
        uint256 paidByB
    ) internal {
        (uint256 shareA, uint256 shareB) = _sharesOf(word, int256(paidByA), int256(paidByB));
        emit Closed(
            channelId,
            isUnilateral,
            word.version(),
            uint64(paidByA),
            uint64(paidByB),
            uint64(shareA),
            uint64(shareB)
        );
        (address asset, uint256 unit) = _assetOf(config_);
        _pay(asset, config_.partyA, shareA * unit);
        _pay(asset, config_.partyB, shareB * unit);
    }

    function _pay(address asset, address to, uint256 amount) internal {
        if (amount == 0 || LimitedPayment.push(asset, to, amount)) return;
        credits[asset][to] += amount;
        emit PaymentKept(asset, to, amount);
    }

    function _assetOf(ChannelConfig calldata config_) internal view returns (address asset, uint256 unit) {
        if (config_.home == HOME_L1) return (config_.asset, config_.unit);
        return (_addressArgument(ASSET), _argument(ASSET_SCALE));
    }

    function _requireStatus(bytes32 channelId, ChannelWord word, ChannelStatus status) internal pure {
        if (word.status() != status) revert WrongStatus(channelId, word.status());
    }

    function _requireLive(bytes32 channelId, ChannelWord word) internal pure {
        ChannelStatus status = word.status();
        if (status == ChannelStatus.NONE || status == ChannelStatus.CLOSED) revert WrongStatus(channelId, status);
    }

    function _requireUnits(uint256 value) internal pure {
        if (value > MAX_UNITS) revert TooLarge(value, MAX_UNITS);
    }

    function _requireNet(int256 net) internal pure {
        unchecked {
            _requireUnits(uint256(net < 0 ? -net : net));
        }
    }
}
