import { ZeroAddress } from "ethers";

import { toHex } from "../../core/codec/index.ts";
import { Trace } from "../../core/dispute/index.ts";
import { createDisputeChain } from "../builders/disputeChain.ts";
import type { DisputeChain } from "../builders/disputeChain.ts";
import { MOVE_GAS } from "../builders/playOnChain.ts";
import { admitEntries, LINKABLE_IDS, postEpoch } from "../builders/postRollup.ts";
import { createTraceStory } from "../builders/traceStory.ts";
import type { TraceStory } from "../builders/traceStory.ts";
import { mined } from "../builders/mined.ts";

export const PARTS = [2, 4, 16] as const;
const FEE_TABLE = new Array<number>(24).fill(1);
const BATCHES_BEFORE = 4;
const BATCHES = 10;
/** After the deployments. */
const FIRST_L2_TIME = 2_000_100_000;

/** A chain with a confirmed epoch and, after it, one that is to be disputed. */
export interface DisputeWorld {
  readonly chain: DisputeChain;
  readonly story: TraceStory;
  readonly truth: Trace;
  /** The claim that the disputed epoch follows, for each table. */
  readonly parents: readonly string[];
  readonly accumulator: string;
  /** Makes the chain again what it was before the first dispute. */
  reset(): Promise<void>;
}

/** A chain on which worlds can be put up one after the other. */
export interface DisputeGround {
  enter(seed: number): Promise<DisputeWorld>;
  close(): Promise<void>;
}

export async function createDisputeGround(): Promise<DisputeGround> {
  const chain = await createDisputeChain({ parts: PARTS, feeTable: FEE_TABLE, isMinting: true });
  await chain.setNextTime(FIRST_L2_TIME);
  for (let id = 0; id < LINKABLE_IDS; id += 1) await mined(chain.registry.register(""));
  const empty = await chain.connection.networkHelpers.takeSnapshot();
  return {
    async enter(seed) {
      await empty.restore();
      const story = createTraceStory(seed, BATCHES_BEFORE, BATCHES, { domainSeparator: chain.domainSeparator, channels: chain.channels, l2Time: FIRST_L2_TIME, admit: admitEntries });
      await postEpoch(chain, story.rollup, 0, BATCHES_BEFORE);
      await postEpoch(chain, story.rollup, BATCHES_BEFORE, BATCHES_BEFORE + BATCHES);
      const before = toHex(story.roots[0]!);
      const parents: string[] = [];
      for (const { settlement } of chain.tables) {
        const genesis = await settlement.genesisClaim();
        await mined(settlement.claim(genesis, 1, 0, before, await chain.inbox.epochAccumulator(0), ZeroAddress, { value: chain.terms.bondWei, gasLimit: MOVE_GAS }));
        parents.push(await settlement.claimIdOf(genesis, 1, 0, before));
      }
      await chain.connection.networkHelpers.time.increase(chain.terms.windowSeconds);
      for (const [i, { settlement }] of chain.tables.entries()) await mined(settlement.confirm(parents[i]!));
      const ready = await chain.connection.networkHelpers.takeSnapshot();
      return {
        chain, story, parents,
        truth: new Trace(story.options),
        accumulator: await chain.inbox.epochAccumulator(1),
        reset: () => ready.restore(),
      };
    },
    close: () => chain.close(),
  };
}
