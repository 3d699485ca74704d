import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import { hexWords } from "../../core/dispute/encodeStepProof.ts";
import { KIND } from "../../core/generated/protocol.ts";
import { getField } from "./editLeaf.ts";
import { ACTORS, VICTIM_UNITS } from "./marketEpoch.ts";
import type { MarketEpoch } from "./marketEpoch.ts";
import { mined } from "./mined.ts";

const GWEI = 1_000_000_000n;

/** Ada's withdrawal, by proof against the confirmed state, sent by a stranger. */
export async function payVictim(market: MarketEpoch, claimId: string): Promise<void> {
  const { bridge, connection, signers } = market.chain;
  await connection.networkHelpers.time.increase(10);
  // Withdrawals of the epoch in order: dee's forced one, the fees, ada's, cy's.
  const index = Number(getField(market.rollup.state, "MACHINE", 0, "withdrawalCount")) - 2;
  const siblings = hexWords(market.tree.proof(KIND.WITHDRAWAL, index));
  const words = hexWords(market.withdrawalLeaf(index)) as [string, string, string, string];
  const ada = toHex(ACTORS.ada.address);
  const before = await connection.ethers.provider.getBalance(ada);
  await mined(bridge.connect(signers[4]!).withdraw(index, words, siblings, claimId));
  expect((await connection.ethers.provider.getBalance(ada)) - before).to.equal(BigInt(VICTIM_UNITS) * GWEI);
}
