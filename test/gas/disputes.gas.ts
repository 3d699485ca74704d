import type { ContractTransactionResponse } from "ethers";

import { createDisputeScene, lyingRoots } from "../builders/disputeScene.ts";
import { DisputeTable } from "../builders/disputeTable.ts";
import { measureDisputes } from "../builders/measureDispute.ts";

const START_TIME = 2_000_000_000;
const STEPS_BITS = 16;
/** Long enough for a whole dispute at 12 seconds a block. */
const TIMES = { windowSeconds: 10_000, joinSeconds: 8_000, clockSeconds: 6_000, incrementSeconds: 60 };

/** Gas of whole disputes over 2^16 steps between two entries, with 2, 4 and 16 parts, and of what happens around them. */
export async function measureGas(): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  for (const { k, gasOf, moves, gas, honestGas, calldataBytes } of await measureDisputes([2, 4, 16], 2 ** STEPS_BITS, { startTime: START_TIME, config: TIMES })) {
    for (const call of ["open", "answer, a game's first", "answer", "answer, names the leaf", "prove"]) {
      const what = call === "prove" ? "prove (a step in a bundle of transfers)" : call.replace("answer, ", "answer: ");
      figures[`BisectionGame.${what}, k = ${k}`] = gasOf[call]!;
    }
    const dispute = `a dispute over 2^${STEPS_BITS} steps, k = ${k}`;
    figures[`${dispute}: moves and the proof`] = moves + 1;
    figures[`${dispute}: gas of it all`] = gas;
    figures[`${dispute}: gas of the honest side`] = honestGas;
    figures[`${dispute}: bytes of calldata`] = calldataBytes;
    if (k !== 2) continue;
    figures["BisectionGame.settle"] = gasOf["settle"]!;
    figures["BisectionGame.settleOpening (burns)"] = gasOf["settleOpening"]!;
    figures["Settlement.claim (a round's first)"] = gasOf["claim"]!;
    figures["Settlement.claim (a rival)"] = gasOf["claim (a rival)"]!;
  }
  return { ...figures, ...(await measureTimeouts()) };
}

/** What ends a round when somebody does not move. */
async function measureTimeouts(): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const scene = await createDisputeScene(2, { startTime: START_TIME });
  const { settlement, parent, roots, signers } = scene;
  const table = new DisputeTable(scene, 2, await settlement.roundIdOf(parent, 1));
  let call = "";
  table.watch = (_, { gasUsed }) => (figures[call] = Number(gasUsed));
  const measure = async (name: string, send: () => Promise<ContractTransactionResponse>): Promise<void> => {
    figures[name] = Number((await (await send()).wait())!.gasUsed);
  };
  try {
    // Block times must not depend on the machine: every call below is at a deadline, or right after one.
    const at = async (seconds: number): Promise<void> => scene.setNextTime((await scene.now()) + seconds);
    await at(2);
    const honest = await table.enter(signers[1]!, roots);
    await at(2);
    const silent = await table.enter(signers[2]!, lyingRoots(roots, 3, "silent"));
    await at(2);
    const opened = await table.enter(signers[3]!, lyingRoots(roots, 3, "opened"));
    await at(2);
    await table.open(opened);
    await at(2);
    await table.answer(honest, opened);
    call = "BisectionGame.timeout (of one that never opened)";
    await table.timeout(honest, silent);
    call = "BisectionGame.timeout (in a game under way)";
    await table.timeout(honest, opened);
    for (const key of Object.keys(figures)) if (!key.startsWith("BisectionGame.timeout")) delete figures[key];
    const overAt = (await table.openedAt()) + 200;
    await scene.setNextTime(overAt);
    const claimId = await table.claimOf(honest);
    await measure("Settlement.confirm", () => settlement.confirm(claimId));
    await at(2);
    await measure("Settlement.release", () => settlement.release(table.roundId, honest.n));
    await at(2);
    await measure("Settlement.withdrawCredit", () => settlement.connect(signers[1]!).withdrawCredit(signers[1]!.address));
    await at(2);
    await measure("Settlement.withdrawBurned", () => settlement.withdrawBurned());
    return figures;
  } finally {
    await scene.connection.close();
  }
}
