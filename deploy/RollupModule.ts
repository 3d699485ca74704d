import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

const CREATED = "RollupCreated";

/**
 * Ignition's plan: the shared code, the factory, and one chain made by it in one transaction. Parameters: `config` (the fields of
 * `RollupConfig`, where `asset` and `identityRegistry` are addresses) and `salt`.
 */
export const RollupModule = buildModule("Rollup", (m) => {
  const prover = m.contract("OneStepProver");
  const inboxImplementation = m.contract("Inbox", [], { id: "InboxImplementation" });
  const settlementImplementation = m.contract("Settlement", [], { id: "SettlementImplementation" });
  const gameImplementation = m.contract("BisectionGame", [], { id: "BisectionGameImplementation" });
  const bridgeImplementation = m.contract("Bridge", [], { id: "BridgeImplementation" });
  const exodusImplementation = m.contract("Exodus", [], { id: "ExodusImplementation" });
  const adjudicatorImplementation = m.contract("ChannelAdjudicator", [], { id: "ChannelAdjudicatorImplementation" });
  const sequencerSetImplementation = m.contract("SequencerSet", [], { id: "SequencerSetImplementation" });
  const factory = m.contract("RollupFactory", [
    {
      inbox: inboxImplementation, settlement: settlementImplementation, game: gameImplementation,
      bridge: bridgeImplementation, exodus: exodusImplementation, adjudicator: adjudicatorImplementation,
      sequencerSet: sequencerSetImplementation,
    },
    prover,
  ]);

  const create = m.call(factory, "create", [m.getParameter("config"), m.getParameter("salt")]);
  const clone = (contract: string, name: string) =>
    m.contractAt(contract, m.readEventArgument(create, CREATED, name, { id: `${name}Address` }), { id: `${contract}Clone` });

  return {
    prover,
    inboxImplementation,
    settlementImplementation,
    gameImplementation,
    bridgeImplementation,
    exodusImplementation,
    adjudicatorImplementation,
    sequencerSetImplementation,
    factory,
    inbox: clone("Inbox", "inbox"),
    settlement: clone("Settlement", "settlement"),
    game: clone("BisectionGame", "game"),
    bridge: clone("Bridge", "bridge"),
    exodus: clone("Exodus", "exodus"),
    adjudicator: clone("ChannelAdjudicator", "adjudicator"),
    // At the zero address when the chain has no operators.
    sequencerSet: clone("SequencerSet", "sequencerSet"),
  };
});
