import { DISPUTE, deployDisputeContracts } from "./disputeContracts.ts";
import type { DisputeContracts } from "./disputeContracts.ts";
import { submitBatch } from "./submitBatch.ts";

const EPOCHS = 4;

/** Settlement and game of a chain with a few closed epochs of one step each, and the claims about them in few words. */
export interface ClaimStage extends DisputeContracts {
  readonly genesis: string;
  /** Accumulator of each closed epoch. */
  readonly accumulators: readonly string[];
  /** Claims, or backs the claim that is there, as signer `by`; with the bond that is due unless another value is named. */
  claim(by: number, parent: string, epoch: number, root: string, options?: { round?: number; value?: bigint }): ReturnType<DisputeContracts["settlement"]["claim"]>;
  id(parent: string, epoch: number, root: string, round?: number): Promise<string>;
  roundId(parent: string, round?: number): Promise<string>;
  /** Lets whoever is on move in a game run out of time. Changes the time. */
  timeout(parent: string, i: number, j: number, round?: number): Promise<void>;
  /** To `seconds` after the first claim of the round under `parent`: the next transaction sees this time. */
  at(parent: string, seconds: number): Promise<void>;
  /** What the game says when neither of two is right; it needs a real step to find that out, see the game's own tests. */
  eliminateBoth(parent: string, i: number, j: number): Promise<void>;
  restore(): Promise<void>;
}

export async function createClaimStage(): Promise<ClaimStage> {
  const contracts = await deployDisputeContracts(2);
  const { settlement, game, inbox, signers, connection, now, setNextTime } = contracts;
  const accumulators: string[] = [];
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    await submitBatch(inbox, await now(), 0, "0x");
    accumulators.push(await inbox.epochAccumulator(epoch));
  }
  const snapshot = await connection.networkHelpers.takeSnapshot();
  return {
    ...contracts,
    genesis: await settlement.genesisClaim(),
    accumulators,
    async claim(by, parent, epoch, root, { round = 1, value } = {}) {
      const signer = signers[by]!;
      return await settlement.connect(signer).claim(parent, round, epoch, root, accumulators[epoch]!, signer.address, { value: value ?? (await settlement.bondFor(parent)) });
    },
    id: (parent, epoch, root, round = 1) => settlement.claimIdOf(parent, round, epoch, root),
    roundId: (parent, round = 1) => settlement.roundIdOf(parent, round),
    async timeout(parent, i, j, round = 1) {
      const roundId = await settlement.roundIdOf(parent, round);
      const [, lateAt] = await game.deadline(roundId, i, j);
      await setNextTime(Math.max(Number(lateAt), (await now()) + 1));
      await game.timeout(roundId, i, j);
    },
    at: async (parent, seconds) => setNextTime(Number((await settlement.rounds(parent)).openedAt) + seconds),
    async eliminateBoth(parent, i, j) {
      const address = await game.getAddress();
      await connection.networkHelpers.impersonateAccount(address);
      await connection.networkHelpers.setBalance(address, 10n ** 18n);
      const caller = await connection.ethers.getSigner(address);
      await settlement.connect(caller).eliminateBoth(await settlement.roundIdOf(parent, 1), i, j, signers[9]!.address);
      await connection.networkHelpers.stopImpersonatingAccount(address);
    },
    restore: () => snapshot.restore(),
  };
}

export { DISPUTE };
