// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Everything that is chosen once, when a chain is created. See the configs of Inbox, Settlement, BisectionGame, Bridge,
/// Exodus, ChannelAdjudicator and SequencerSet for each field.
struct RollupConfig {
    address sequencer;
    address sequencerAuth;
    address identityRegistry;
    address feeRecipient;
    address asset;
    address guardian;
    uint128 assetScale;
    uint96 forcedSlotFeeWei;
    uint96 bondWei;
    uint96 gasRefundWei;
    uint96 rewardCapWei;
    uint96 moveBondWei;
    /// What a sequencer puts up to be an operator of the chain's SequencerSet. 0: there is none, `sequencer` or `sequencerAuth` decides.
    uint96 operatorBondWei;
    uint64 epochSteps;
    uint32 epochAgeSeconds;
    uint32 inclusionDelaySeconds;
    uint32 windowSeconds;
    uint32 joinSeconds;
    uint32 clockSeconds;
    uint32 incrementSeconds;
    uint32 payoutDelaySeconds;
    uint32 guardianSeconds;
    uint32 slotSeconds;
    uint32 vacancySeconds;
    uint32 graceSeconds;
    uint8 parts;
    uint256[3] feeTable;
}

/// The contracts of one chain.
struct Rollup {
    address inbox;
    address settlement;
    address game;
    address bridge;
    address exodus;
    address adjudicator;
    /// Zero on a chain without operators.
    address sequencerSet;
}

/// Puts up chains, any number side by side, as clones that share their code and nothing else.
interface IRollupFactory {
    event RollupCreated(
        address indexed creator,
        bytes32 indexed salt,
        address inbox,
        address settlement,
        address game,
        address bridge,
        address exodus,
        address adjudicator,
        address sequencerSet
    );

    /// A parameter that no chain can work with.
    error BadConfig(string parameter);

    /// Creates a chain at the addresses that `addressesOf(msg.sender, salt)` names. Nobody owns it and nothing in it can be changed.
    function create(RollupConfig calldata config, bytes32 salt) external returns (Rollup memory);

    /// The addresses of a chain, made or not. `sequencerSet` stays empty if the chain has no operators.
    function addressesOf(address creator, bytes32 salt) external view returns (Rollup memory);
}
