import { formatEther } from "ethers";
import type { EventLog, Log } from "ethers";

import { connectContracts } from "../../../chain/connectContracts.ts";
import { toChainUnits } from "../../../sdk/amount.ts";
import { stepKindOf } from "../../../test/builders/stepKind.ts";
import { Liar } from "../Liar.ts";
import type { ClaimedLie } from "../Liar.ts";
import { DemoError } from "../LocalNetwork.ts";
import type { Chapter, Character, Story } from "../Story.ts";

const DREAM = "1000000";
const TRANSFERS = 200;
const BAR = 48;
const LOOK_MS = 150;
const PATIENCE_MS = 50_000;

/** Where in the epoch a range of steps lies. */
function bar(from: number, size: number, length: number): string {
  const first = Math.min(BAR - 1, Math.floor((from / length) * BAR));
  const width = Math.max(1, Math.round((size / length) * BAR));
  return `[${"·".repeat(first)}${"█".repeat(Math.min(width, BAR - first))}${"·".repeat(Math.max(0, BAR - first - width))}]`;
}

/** Enough ordinary calls for a batch worth lying about; answers the batch that holds the last of them. */
async function traffic({ narrator }: Story, planner: Character, translator: Character): Promise<number> {
  const handles = Array.from({ length: TRANSFERS }, () => planner.agent.transfer(translator.agent.address, "0.00001"));
  const { batch } = await narrator.waiting("Waiting until a batch with it is on L1 …", handles.at(-1)!.posted());
  return batch;
}

/** Tells every move of a round as it comes to L1, until somebody is out. */
async function watch(story: Story, lie: ClaimedLie, liarName: string): Promise<{ paidWei: bigint; burnedWei: bigint; loser: number }> {
  const { narrator, network } = story;
  const { game, settlement } = connectContracts(network.deployment, network.provider);
  const { roundId, n } = lie.player;
  const told = new Set<string>();
  const fresh = (logs: readonly (EventLog | Log)[]): EventLog[] =>
    (logs as EventLog[]).filter((log) => !told.has(`${log.transactionHash}:${log.index}`) && told.add(`${log.transactionHash}:${log.index}`));
  const whose = (entry: number): string => (entry === n ? liarName : "Challenger");
  const lines = new Set<string>();
  // The sequencer and the challenger may both have backed the truth: then the same game is played twice.
  const tell = (name: string, value: string): void => void (lines.has(value) || (lines.add(value), narrator.fact(name, value)));
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    await lie.player.turn().catch(() => []);
    for (const { args } of fresh(await game.queryFilter(game.filters.Opened(roundId)))) {
      tell(`${whose(Number(args["n"]))} opens`, `${bar(0, lie.length, lie.length)} all ${lie.length} steps, in ${(args["states"] as unknown[]).length} parts`);
    }
    for (const { args } of fresh(await game.queryFilter(game.filters.Answered(roundId)))) {
      const [from, size] = [Number(args["from"]), Number(args["size"])];
      tell("a part is denied", `${bar(from, size, lie.length)} steps ${from} to ${from + size}, in ${(args["states"] as unknown[]).length} parts`);
    }
    for (const { args } of fresh(await game.queryFilter(game.filters.LeafNamed(roundId)))) tell("one step is left", `${bar(Number(args["step"]), 1, lie.length)} step ${String(args["step"])}`);
    const eliminated = fresh(await settlement.queryFilter(settlement.filters.Eliminated(roundId)));
    for (const { args } of fresh(await game.queryFilter(game.filters.Proven(roundId)))) tell("L1 executes it", `the state after it is ${String(args["postState"])}`);
    for (const { args } of eliminated) {
      return { paidWei: args["paidWei"] as bigint, burnedWei: args["burnedWei"] as bigint, loser: Number(args["loser"]) };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new DemoError(`The dispute is not over after ${PATIENCE_MS / 1000} s.`);
}

/** A false claim is narrowed down to one step, which L1 executes. */
export const catchALiar: Chapter = {
  number: 7,
  title: "A liar claims a state in which she is rich, and is caught",
  async play(story) {
    const { narrator, network, asset } = story;
    const { planner, translator } = await story.cast();
    const mallory = await narrator.waiting("Mallory opens an account …", story.newcomer("Mallory"));
    const account = await mallory.agent.account();
    const liar = await Liar.begin(network);
    try {
      narrator.say(`Planner pays Translator ${TRANSFERS} times. Mallory, agent ${account.index}, has ${story.money(account.balance)} and would like ${DREAM} ${asset.symbol}. She makes one step in the middle of the epoch her own way, goes on honestly from there, and puts a bond on the state that comes out.`);
      const batch = await traffic(story, planner, translator);
      const lie = await narrator.waiting("Waiting for the epoch's end …", liar.claim(batch, mallory.key, account.index, BigInt(toChainUnits(DREAM, asset))));
      narrator.fact("true state", lie.trueRoot);
      narrator.fact("Mallory's", lie.falseRoot);
      narrator.say("The challenger derives every batch from L1 and sees that hers is false. It plays for the true claim; each answers the other's states with the first part whose end it denies:");
      const { paidWei, burnedWei, loser } = await watch(story, lie, mallory.name);
      if (loser !== lie.player.n) throw new DemoError("The honest entry was taken out.");
      narrator.say(`Both agree on the state before step ${lie.falseStep} and differ after it. That step (${stepKindOf(lie.truth.trace)}) is executed by the prover contract, from the batch's bytes and Merkle proofs of the leaves that it touches. Mallory is out.`);
      narrator.fact("from her bond", `${formatEther(paidWei)} ETH to who proved it, ${formatEther(burnedWei)} ETH burned`);
      const { settlement } = connectContracts(network.deployment, network.provider);
      const until = Date.now() + PATIENCE_MS;
      const confirmed = async (): Promise<void> => {
        while ((await settlement.claims(lie.trueClaimId)).confirmedAt === 0n) {
          if (Date.now() > until) throw new DemoError("The true claim is not confirmed.");
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        }
      };
      await narrator.waiting("Waiting until the round is over …", confirmed());
      narrator.say(`The true claim about epoch ${lie.epoch} is confirmed; Mallory's never can be. She has ${story.money((await mallory.agent.account()).balance)} on the chain, as before.`);
    } finally {
      await liar.end();
    }
  },
};
