import { connectContracts } from "../../../chain/connectContracts.ts";
import type { RootedAck } from "../../../sdk/bundles/BundleTransport.ts";
import type { Json } from "../../../sdk/HttpService.ts";
import { DemoError } from "../LocalNetwork.ts";
import type { Chapter, Story } from "../Story.ts";

const MOST_SHOWN = 6;

/** The root that the replica derives after as many batches. Throws when it is not the one that the sequencer has signed. */
async function derivedRoot({ client }: Story, signed: RootedAck): Promise<string> {
  const batch = await client.api.get(`/v1/batches/${signed.batchCount - 1}`);
  const stateRoot = String(batch["stateRoot"]);
  if (stateRoot !== signed.stateRoot) throw new DemoError(`After ${signed.batchCount} batches the replica derives the root ${stateRoot}, but the sequencer signed ${signed.stateRoot}.`);
  return stateRoot;
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
    narrator.say(`After batch ${rooted.batchCount - 1} it has the very root that the sequencer signed: ${await derivedRoot(story, rooted)}.`);

    const { claimId, stateRoot } = await narrator.waiting("Waiting until a claim that covers it is confirmed on L1 …", last.confirmed());
    const settlement = connectContracts(network.deployment, network.provider).settlement;
    const [onL1, nextEpoch, confirmedRoot] = await settlement.latestConfirmed();
    narrator.say(`A claim about the state is confirmed on L1 after its window of ${String(network.deployment.config["windowSeconds"])} s, with a bond behind it.`);
    narrator.fact("claim", claimId);
    narrator.fact("root it claims", stateRoot);
    narrator.fact("Settlement contract", `epoch ${nextEpoch - 1n} confirmed, ${onL1 === claimId ? "this claim" : "a later claim already"}, root ${confirmedRoot}`);
  },
};
