import { connectContracts } from "../../../chain/connectContracts.ts";
import type { Json } from "../../../sdk/HttpService.ts";
import { DemoError } from "../LocalNetwork.ts";
import type { Chapter, Story } from "../Story.ts";

const MOST_SHOWN = 6;
const POLL_MS = 250;
const GIVE_UP_MS = 30_000;

/** A root that the sequencer announced for the state after a batch, which the replica has derived too. Throws when they differ. */
async function sameRoot({ client }: Story): Promise<{ batch: number; stateRoot: string }> {
  for (const until = Date.now() + GIVE_UP_MS; Date.now() < until; ) {
    const announced = await client.sequencer.find("/v1/roots/latest");
    const batch = Number(announced?.["batchCount"] ?? 0) - 1;
    while (announced !== undefined && batch >= 0 && Date.now() < until) {
      const derived = await client.api.find(`/v1/batches/${batch}`);
      if (derived !== undefined) {
        if (derived["stateRoot"] !== announced["stateRoot"]) throw new DemoError(`The replica derives ${String(derived["stateRoot"])} after batch ${batch}, the sequencer says ${String(announced["stateRoot"])}.`);
        return { batch, stateRoot: String(derived["stateRoot"]) };
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new DemoError(`The replica has not derived what the sequencer announced after ${GIVE_UP_MS / 1000} s.`);
}

/** The chain's data and the claims about its state are on L1, where a replica checks them. */
export const settleOnL1: Chapter = {
  number: 5,
  title: "Batches and claims land on L1, and a replica derives the same roots",
  async play(story) {
    const { narrator, client, network } = story;
    const { planner, translator } = await story.cast();
    const last = planner.agent.transfer(translator.agent.address, "0.001");
    const { receipt } = await last.durable;
    const rooted = await last.rooted;
    narrator.say(`Planner sends Translator a tip; its receipt is number ${receipt}. The sequencer's signed root after it is ${rooted.stateRoot}.`);

    const { batch } = await narrator.waiting("Waiting until the batch with it is on L1 …", last.posted());
    const batches = (await client.api.get("/v1/batches?limit=500"))["items"] as readonly Json[];
    narrator.say(`It went to L1 in batch ${batch}. A replica that reads nothing but L1 executed all ${batches.length} batches so far:`);
    for (const each of batches.slice(-MOST_SHOWN)) {
      narrator.fact(`batch ${String(each["index"])}`, `${String(each["slots"])} slots, L1 block ${String((each["l1"] as Json)["blockNumber"])}, root ${String(each["stateRoot"])}`);
    }
    const same = await narrator.waiting("Waiting for the sequencer's own root of a batch that the replica has …", sameRoot(story));
    narrator.say(`The sequencer's root after batch ${same.batch} and the replica's are the same: ${same.stateRoot}.`);

    const { claimId, stateRoot } = await narrator.waiting("Waiting until a claim that covers it is confirmed on L1 …", last.confirmed());
    const settlement = connectContracts(network.deployment, network.provider).settlement;
    const [onL1, nextEpoch, confirmedRoot] = await settlement.latestConfirmed();
    narrator.say(`A claim about the state is confirmed on L1 after its window of ${String(network.deployment.config["windowSeconds"])} s, with a bond behind it.`);
    narrator.fact("claim", claimId);
    narrator.fact("root it claims", stateRoot);
    narrator.fact("Settlement contract", `epoch ${nextEpoch - 1n} confirmed, ${onL1 === claimId ? "this claim" : "a later claim already"}, root ${confirmedRoot}`);
  },
};
