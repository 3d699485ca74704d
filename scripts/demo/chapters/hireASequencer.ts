import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { formatEther, Wallet } from "ethers";

import { connectSequencerSet } from "../../../chain/connectContracts.ts";
import { AgentDesk } from "../../../sdk/agents/AgentDesk.ts";
import { ServiceDesk } from "../../../sdk/agents/ServiceDesk.ts";
import { BountyDesk } from "../../../sdk/bounties/BountyDesk.ts";
import { readEconomy } from "../../../sdk/economy/readEconomy.ts";
import type { Economy } from "../../../sdk/economy/readEconomy.ts";
import { PatronAgent } from "../../../sdk/node/policy/PatronAgent.ts";
import { parsePolicy } from "../../../sdk/node/policy/policySchema.ts";
import type { PatronPolicy } from "../../../sdk/node/policy/policySchema.ts";
import type { PolicyNotice } from "../../../sdk/node/policy/PolicyNotice.ts";
import { DemoError } from "../LocalNetwork.ts";
import { OperatorAtWork } from "../OperatorAtWork.ts";
import { SteadyCalls } from "../SteadyCalls.ts";
import { launchChain } from "../StrandedChain.ts";
import type { StrandedChain } from "../StrandedChain.ts";
import type { Chapter, Character, Story } from "../Story.ts";

const PRICES = { illustrator: "0.004", critic: "0.006" } as const;
const POOL = "1";
const STAKE = "0.5";
/** For stakes, bonds, the pool, and gas. */
const FUNDS_WEI = 4n * 10n ** 18n;
const PATIENCE_MS = 60_000;
const INTENT = "I have put up a chain and have nobody who runs it. Whoever sequences it gets paid for each batch that is confirmed on L1, for ten minutes. I hire by what is proven of you, not by what you say.";
/** Of L1's clock, which runs ahead where blocks come faster than seconds. */
const PHASES = { fundingSeconds: 60, commitSeconds: 10, revealSeconds: 25, awardSeconds: 300, workSeconds: 600, settleSeconds: 60 };
const SILENCE_SECONDS = 10;
const GRACE_SECONDS = 30;

/** What the patron did, as it tells of it. */
class Diary {
  readonly notices: PolicyNotice[] = [];

  /** The next time that it did this, after `seen` times. */
  async done(action: string, seen = 0): Promise<Extract<PolicyNotice, { kind: "done" }>> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = this.notices.filter((notice): notice is Extract<PolicyNotice, { kind: "done" }> => notice.kind === "done" && notice.action === action)[seen];
      if (found !== undefined) return found;
    }
    const last = this.notices.at(-1);
    const why = last?.kind === "trouble" ? `: ${last.error.message}` : last?.kind === "waiting" ? `: ${last.reason}` : "";
    throw new DemoError(`Curator's agent did not come to "${action}"${why}.`);
  }
}

/** Everything that is there before somebody is hired. */
interface Scene {
  readonly economy: Economy;
  readonly curator: Character;
  readonly chain: StrandedChain;
  readonly operators: readonly [OperatorAtWork, OperatorAtWork];
  /** The patron's agent, which has posted the bounty and may have gone to sleep. */
  readonly patron: () => Promise<PatronAgent>;
  readonly diary: Diary;
}

/** Registers somebody's agent and ties the account on the chain to it; answers its number. */
async function enter(economy: Economy, { network }: Story, { key, name }: Character): Promise<bigint> {
  const desk = new AgentDesk(economy, new Wallet(key, network.provider));
  const { agentId } = await desk.register({ name });
  await desk.link(agentId);
  return agentId;
}

/** A paid call of Planner to each of them, shown to L1 when its state is confirmed. */
async function earnReputation(story: Story, economy: Economy, planner: Character, providers: readonly Character[]): Promise<void> {
  const { client, network } = story;
  await Promise.all(providers.map((provider) => enter(economy, story, provider)));
  // A record to write down that the links are in: the call comes after them, and is confirmed with them.
  const linked = async (): Promise<boolean> => {
    const accounts = await Promise.all(providers.map(({ agent }) => client.api.find(`/v1/agents/${agent.address}`)));
    return accounts.every((account) => account?.["erc8004Id"] !== null && account?.["erc8004Id"] !== undefined);
  };
  for (const end = Date.now() + PATIENCE_MS; !(await linked()); await new Promise((resolve) => setTimeout(resolve, 100))) {
    if (Date.now() > end) throw new DemoError("The agents are not linked to their accounts.");
  }
  const receipts = await Promise.all(providers.map(async ({ agent }) => {
    const call = await planner.agent.invoke({ provider: agent.address, price: "0.001", input: "are you there?", deadlineSeconds: 300 }).durable;
    return (await agent.respond(call, "yes").durable).receipt;
  }));
  await Promise.all(providers.map(({ key }, place) => new ServiceDesk(economy, client.api, new Wallet(key, network.provider)).prove(receipts[place]!)));
}

async function setTheScene(story: Story): Promise<Scene> {
  const { network } = story;
  const { planner, illustrator, critic } = await story.cast();
  const economy = await readEconomy({ deployment: JSON.parse(await readFile(network.deploymentFile, "utf8")) });
  const curator = await story.newcomer("Curator");
  await Promise.all([earnReputation(story, economy, planner, [illustrator, critic, curator]), ...[illustrator, critic, curator].map(({ agent }) => network.gift(agent.address, FUNDS_WEI))]);
  const chain = await launchChain(network, curator);
  const operators = (await Promise.all([OperatorAtWork.start(network, illustrator, PRICES.illustrator), OperatorAtWork.start(network, critic, PRICES.critic)])) as [OperatorAtWork, OperatorAtWork];
  await Promise.all(operators.map((operator) => operator.told("running")));
  const diary = new Diary();
  const signer = new Wallet(curator.key, network.provider);
  const patron = (): Promise<PatronAgent> => PatronAgent.start({ policy: policyOf(story, chain), economy, signer, onNotice: (notice) => diary.notices.push(notice) });
  // It posts and goes to sleep: bids come without it. Awake it would hire at once, and the story wants to see that.
  const agent = await patron();
  await diary.done("post");
  await agent.stop();
  return { economy, curator, chain, operators, patron, diary };
}

function policyOf(story: Story, chain: StrandedChain): PatronPolicy {
  return parsePolicy({
    role: "patron", pollMs: 250, dataDir: join(story.network.directory, "agent-curator"), agent: { name: "Curator" }, intent: INTENT, settlement: chain.deployment.contracts.settlement,
    pool: POOL, ceiling: "0.01", stake: STAKE, minProvenCalls: 1, bidders: { minCalls: 1 }, phases: PHASES, silenceSeconds: SILENCE_SECONDS, graceSeconds: GRACE_SECONDS, closeAfterSeconds: 600,
  }) as PatronPolicy;
}

async function playScene(story: Story, scene: Scene, calls: (bounty: number) => SteadyCalls): Promise<void> {
  const { narrator } = story;
  const { chain, diary, operators: [first, second] } = scene;
  const nameOf = (address: unknown): string => [first, second].find(({ who }) => who.agent.address === String(address).toLowerCase())?.who.name ?? String(address);
  const post = await diary.done("post");
  narrator.fact("bounty", `${String(post.values["bounty"])}: ${POOL} ETH in the pool, bids hidden for ${PHASES.commitSeconds} s, then shown`);
  const bids = narrator.waiting("Waiting for the bids …", Promise.all([first.told("reveal"), second.told("reveal")]));
  for (const [place, bid] of (await bids).entries()) narrator.fact(place === 0 ? first.who.name : second.who.name, `bids ${formatEther(String(bid["priceBase"]))} ETH for a batch, with a stake of ${STAKE} ETH`);
  const award = await narrator.waiting("Waiting for the award …", diary.done("award"));
  narrator.say(`Curator's agent hires ${nameOf(award.values["bidder"])}, the cheapest of those with proven calls (${String(award.values["provenCalls"])}). That agent joins the set of operators with a bond of 1 ETH and starts a sequencer, a process of its own.`);
  const up = await narrator.waiting("Waiting for the sequencer …", first.told("sequencer-up"));
  narrator.fact("sequencer", `${first.endpoint}, process ${String(up["pid"])}`);

  const traffic = calls(Number(post.values["bounty"]));
  try {
    await narrator.waiting("Planner and Translator open accounts on the new chain …", traffic.start());
    const paid = await narrator.waiting("Waiting until a batch is confirmed and paid …", first.told("claimUnits"));
    narrator.say("Planner and Translator call and pay each other there all the time. Settlement confirms the batches, the meter counts them, and the board pays:");
    narrator.fact(`paid to ${first.who.name}`, `${formatEther(String(paid["amountBase"]))} ETH for ${String(paid["units"])} confirmed`);
    const answered = traffic.answered.get(first.who.agent.address) ?? 0;

    await first.vanish();
    narrator.say(`${first.who.name} goes silent: agent and sequencer are killed with SIGKILL after ${answered} answered calls. Nobody is told.`);
    const fail = await narrator.waiting("Waiting until the meter calls it failed …", diary.done("fail"));
    narrator.fact("slashed", `${nameOf(fail.values["bidder"])}: of ${STAKE} ETH, ${formatEther(String(fail.values["burnedBase"]))} are burned, ${formatEther(String(fail.values["rewardBase"]))} go to who reported it, the rest to the pool`);
    const next = await narrator.waiting("Waiting for the next award …", diary.done("award", 1));
    narrator.say(`Curator's agent hires the next one that stands by, ${nameOf(next.values["bidder"])}. Its sequencer reads the chain from L1 and goes on:`);
    await narrator.waiting("Waiting for calls over the new sequencer …", traffic.until(second.who.agent.address, 4, PATIENCE_MS));
    const set = connectSequencerSet(chain.deployment, story.network.provider)!;
    narrator.fact("calls", `${answered} over ${first.who.name}, ${traffic.failed} that nobody answered, ${traffic.answered.get(second.who.agent.address)} over ${second.who.name} so far`);
    narrator.fact("batches on L1", `${String(await set.workOf(first.who.agent.address, 2n ** 63n))} counted of ${first.who.name}, ${String(await set.workOf(second.who.agent.address, 2n ** 63n))} of ${second.who.name}`);
  } finally {
    await traffic.stop();
  }
}

/** An agent with money and no sequencer hires one, and another when that one goes silent; no person does anything. */
export const hireASequencer: Chapter = {
  number: 9,
  title: "An agent hires a sequencer, and another when that one goes silent",
  prepare: (story) => setTheScene(story),
  async play(story, prepared) {
    const { narrator, network } = story;
    const scene = await narrator.waiting("Registering agents, proving what they were paid for, and starting two of them …", (prepared as Promise<Scene> | undefined) ?? setTheScene(story));
    const { curator, chain, operators, economy } = scene;
    narrator.say(`Curator has money and has put up a chain of its own in one transaction (${chain.transactionHash.slice(0, 18)}…). Nobody runs it. Curator's agent posts a bounty, in words:`);
    narrator.say(`"${INTENT}"`);
    narrator.say("Illustrator and Critic have agents that look for such work, each a process with nothing but an API address, a key and a policy file.");
    const desk = new BountyDesk(economy, new Wallet(curator.key, network.provider));
    const { planner, translator } = await story.cast();
    const patron = await scene.patron();
    try {
      await playScene(story, scene, (bounty) => new SteadyCalls(network, chain, desk, bounty, [planner, translator]));
    } finally {
      await patron.stop();
      await Promise.all(operators.map((operator) => operator.stop()));
    }
  },
};
