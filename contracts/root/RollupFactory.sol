// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";

import {GameConfig} from "../interfaces/IBisectionGame.sol";
import {BridgeConfig} from "../interfaces/IBridge.sol";
import {AdjudicatorConfig} from "../interfaces/IChannelAdjudicator.sol";
import {ExodusConfig} from "../interfaces/IExodus.sol";
import {InboxConfig} from "../interfaces/IInbox.sol";
import {IRollupFactory, Rollup, RollupConfig} from "../interfaces/IRollupFactory.sol";
import {SequencerSetConfig} from "../interfaces/ISequencerSet.sol";
import {SettlementConfig} from "../interfaces/ISettlement.sol";
import {DisputeTimes} from "../libraries/DisputeTimes.sol";

/// See `IRollupFactory`.
contract RollupFactory is IRollupFactory {
    /// An entry must not be due before a batch that runs ahead of L1 and was sent before it can land (Inbox.MAX_LEAD_SECONDS).
    uint32 public constant MIN_INCLUSION_DELAY_SECONDS = 16;
    /// Longer ones make no sense, and the longest would run over the 32 bits of a time.
    uint32 public constant MAX_INCLUSION_DELAY_SECONDS = 30 days;
    /// Of each of the times of a dispute: their sums stay far below what 32 bits hold.
    uint32 public constant MAX_WINDOW_SECONDS = 365 days;
    /// A leader that is gone holds up its chain for half of it.
    uint32 public constant MAX_SLOT_SECONDS = 1 days;
    /// A move lists one state for each part.
    uint8 public constant MAX_PARTS = 64;

    address public immutable inboxImplementation;
    address public immutable settlementImplementation;
    address public immutable gameImplementation;
    address public immutable bridgeImplementation;
    address public immutable exodusImplementation;
    address public immutable adjudicatorImplementation;
    address public immutable sequencerSetImplementation;
    address public immutable prover;

    /// The code that all chains share.
    struct Implementations {
        address inbox;
        address settlement;
        address game;
        address bridge;
        address exodus;
        address adjudicator;
        address sequencerSet;
    }

    constructor(Implementations memory shared, address prover_) {
        (inboxImplementation, settlementImplementation) = (shared.inbox, shared.settlement);
        (gameImplementation, bridgeImplementation) = (shared.game, shared.bridge);
        (exodusImplementation, adjudicatorImplementation) = (shared.exodus, shared.adjudicator);
        sequencerSetImplementation = shared.sequencerSet;
        prover = prover_;
    }

    /// @inheritdoc IRollupFactory
    function create(RollupConfig calldata config, bytes32 salt) external returns (Rollup memory rollup) {
        _check(config);
        rollup = addressesOf(msg.sender, salt);
        if (config.operatorBondWei == 0) rollup.sequencerSet = address(0);
        bytes32 base = keccak256(abi.encode(msg.sender, salt));
        _clone(base, "inbox", inboxImplementation, abi.encode(_inboxConfig(config, rollup)));
        _clone(base, "settlement", settlementImplementation, abi.encode(_settlementConfig(config, rollup)));
        _clone(base, "game", gameImplementation, abi.encode(_gameConfig(config, rollup)));
        _clone(base, "bridge", bridgeImplementation, abi.encode(_bridgeConfig(config, rollup)));
        _clone(base, "exodus", exodusImplementation, abi.encode(_exodusConfig(config, rollup)));
        _clone(base, "adjudicator", adjudicatorImplementation, abi.encode(_adjudicatorConfig(config, rollup)));
        if (rollup.sequencerSet != address(0)) {
            _clone(base, "sequencerSet", sequencerSetImplementation, abi.encode(_setConfig(config, rollup)));
        }
        emit RollupCreated(
            msg.sender,
            salt,
            rollup.inbox,
            rollup.settlement,
            rollup.game,
            rollup.bridge,
            rollup.exodus,
            rollup.adjudicator,
            rollup.sequencerSet
        );
    }

    /// @inheritdoc IRollupFactory
    function addressesOf(address creator, bytes32 salt) public view returns (Rollup memory) {
        bytes32 base = keccak256(abi.encode(creator, salt));
        return Rollup({
            inbox: Create3.computeAddress(_salt(base, "inbox")),
            settlement: Create3.computeAddress(_salt(base, "settlement")),
            game: Create3.computeAddress(_salt(base, "game")),
            bridge: Create3.computeAddress(_salt(base, "bridge")),
            exodus: Create3.computeAddress(_salt(base, "exodus")),
            adjudicator: Create3.computeAddress(_salt(base, "adjudicator")),
            sequencerSet: Create3.computeAddress(_salt(base, "sequencerSet"))
        });
    }

    function _check(RollupConfig calldata config) private view {
        if (config.assetScale == 0) revert BadConfig("assetScale");
        if (config.bondWei == 0) revert BadConfig("bondWei");
        if (config.windowSeconds == 0 || config.windowSeconds > MAX_WINDOW_SECONDS) revert BadConfig("windowSeconds");
        // Without time to join, a claim whose only backer gives up on purpose could not be saved.
        if (config.joinSeconds == 0 || config.joinSeconds > MAX_WINDOW_SECONDS) revert BadConfig("joinSeconds");
        if (config.clockSeconds == 0 || config.clockSeconds > MAX_WINDOW_SECONDS) revert BadConfig("clockSeconds");
        if (config.incrementSeconds > MAX_WINDOW_SECONDS) revert BadConfig("incrementSeconds");
        if (config.parts < 2 || config.parts > MAX_PARTS) revert BadConfig("parts");
        if (config.epochSteps == 0) revert BadConfig("epochSteps");
        uint32 delay = config.inclusionDelaySeconds;
        if (delay < MIN_INCLUSION_DELAY_SECONDS || delay > MAX_INCLUSION_DELAY_SECONDS) {
            revert BadConfig("inclusionDelaySeconds");
        }
        if (config.guardianSeconds > MAX_WINDOW_SECONDS) revert BadConfig("guardianSeconds");
        // An operator that takes entries and closes epochs no earlier than it must is slow, but alive: nobody may declare its chain dead.
        if (uint256(delay) + config.epochAgeSeconds > _disputeBound(config)) revert BadConfig("epochAgeSeconds");
        // Fees that nobody may sweep would stay in the bridge for ever.
        if (config.feeRecipient == address(0) && _hasFees(config)) revert BadConfig("feeRecipient");
        if (config.asset != address(0) && config.asset.code.length == 0) revert BadConfig("asset");
        if (config.identityRegistry != address(0) && config.identityRegistry.code.length == 0) {
            revert BadConfig("identityRegistry");
        }
        if (config.sequencerAuth != address(0) && config.sequencerAuth.code.length == 0) {
            revert BadConfig("sequencerAuth");
        }
        if (config.operatorBondWei != 0) _checkSet(config);
    }

    function _checkSet(RollupConfig calldata config) private pure {
        if (config.sequencerAuth != address(0)) revert BadConfig("sequencerAuth");
        // Half of a slot must be a time in which something can be done.
        if (config.slotSeconds < 2 || config.slotSeconds > MAX_SLOT_SECONDS) revert BadConfig("slotSeconds");
        if (config.vacancySeconds < config.slotSeconds || config.vacancySeconds > MAX_INCLUSION_DELAY_SECONDS) {
            revert BadConfig("vacancySeconds");
        }
        // The successor keeps half of its slot, before others may step in, to itself.
        if (config.graceSeconds > config.slotSeconds / 2) revert BadConfig("graceSeconds");
    }

    /// A minimal proxy (EIP-1167) with its arguments behind the code, at an address that depends on the salt alone: the contracts
    /// name each other in their arguments.
    function _clone(bytes32 base, string memory name, address implementation, bytes memory arguments) private {
        bytes memory code = abi.encodePacked(
            // Returns everything behind these ten bytes.
            hex"61",
            uint16(arguments.length + 45),
            hex"3d81600a3d39f3",
            hex"363d3d373d3d3d363d73",
            implementation,
            hex"5af43d82803e903d91602b57fd5bf3",
            arguments
        );
        Create3.deploy(0, _salt(base, name), code);
    }

    function _salt(bytes32 base, string memory name) private pure returns (bytes32) {
        return keccak256(abi.encode(base, name));
    }

    function _inboxConfig(RollupConfig calldata config, Rollup memory rollup)
        private
        pure
        returns (InboxConfig memory)
    {
        return InboxConfig({
            bridge: rollup.bridge,
            sequencer: config.sequencer,
            sequencerAuth: config.operatorBondWei == 0 ? config.sequencerAuth : rollup.sequencerSet,
            identityRegistry: config.identityRegistry,
            feeRecipient: config.feeRecipient,
            inclusionDelaySeconds: config.inclusionDelaySeconds,
            epochSteps: config.epochSteps,
            epochAgeSeconds: config.epochAgeSeconds,
            forcedSlotFeeWei: config.forcedSlotFeeWei,
            exodus: rollup.exodus
        });
    }

    function _settlementConfig(RollupConfig calldata config, Rollup memory rollup)
        private
        pure
        returns (SettlementConfig memory)
    {
        return SettlementConfig({
            inbox: rollup.inbox,
            game: rollup.game,
            bondWei: config.bondWei,
            gasRefundWei: config.gasRefundWei,
            rewardCapWei: config.rewardCapWei,
            windowSeconds: config.windowSeconds,
            joinSeconds: config.joinSeconds
        });
    }

    function _gameConfig(RollupConfig calldata config, Rollup memory rollup) private view returns (GameConfig memory) {
        return GameConfig({
            settlement: rollup.settlement,
            inbox: rollup.inbox,
            prover: prover,
            adjudicator: rollup.adjudicator,
            k: config.parts,
            clockSeconds: config.clockSeconds,
            incrementSeconds: config.incrementSeconds,
            moveBondWei: config.moveBondWei,
            feeTable: config.feeTable
        });
    }

    function _bridgeConfig(RollupConfig calldata config, Rollup memory rollup)
        private
        pure
        returns (BridgeConfig memory)
    {
        return BridgeConfig({
            inbox: rollup.inbox,
            settlement: rollup.settlement,
            asset: config.asset,
            assetScale: config.assetScale,
            payoutDelaySeconds: config.payoutDelaySeconds,
            exodus: rollup.exodus,
            guardian: config.guardian,
            guardianSeconds: config.guardianSeconds
        });
    }

    function _exodusConfig(RollupConfig calldata config, Rollup memory rollup)
        private
        pure
        returns (ExodusConfig memory)
    {
        return ExodusConfig({
            inbox: rollup.inbox,
            settlement: rollup.settlement,
            bridge: rollup.bridge,
            feeRecipient: config.feeRecipient,
            delaySeconds: uint64(2 * _disputeBound(config) + config.guardianSeconds),
            payoutDelaySeconds: config.payoutDelaySeconds,
            adjudicator: rollup.adjudicator
        });
    }

    function _adjudicatorConfig(RollupConfig calldata config, Rollup memory rollup)
        private
        pure
        returns (AdjudicatorConfig memory)
    {
        return AdjudicatorConfig({
            bridge: rollup.bridge,
            exodus: rollup.exodus,
            asset: config.asset,
            assetScale: config.assetScale
        });
    }

    function _disputeBound(RollupConfig calldata config) private pure returns (uint256) {
        return DisputeTimes.disputeBound(
            config.windowSeconds, config.joinSeconds, config.clockSeconds, config.incrementSeconds, config.parts
        );
    }

    function _hasFees(RollupConfig calldata config) private pure returns (bool) {
        return config.feeTable[0] | config.feeTable[1] | config.feeTable[2] != 0;
    }

    /// A bond answers for what was signed until nobody can be harmed by it any more: twice the longest dispute.
    function _setConfig(RollupConfig calldata config, Rollup memory rollup)
        private
        pure
        returns (SequencerSetConfig memory)
    {
        return SequencerSetConfig({
            inbox: rollup.inbox,
            operatorBondWei: config.operatorBondWei,
            slotSeconds: config.slotSeconds,
            vacancySeconds: config.vacancySeconds,
            graceSeconds: config.graceSeconds,
            unbondingSeconds: uint64(2 * _disputeBound(config))
        });
    }
}
