import { join } from "node:path";

import { formatEther, Wallet } from "ethers";

import { connectAdjudicator } from "../../../chain/channels/connectAdjudicator.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import { ChannelDesk } from "../../../sdk/channels/ChannelDesk.ts";
import { CoreChannelDesk } from "../../../sdk/channels/CoreChannelDesk.ts";
import type { AgentChannel } from "../../../sdk/node/channels/AgentChannel.ts";
import { ChannelAgent } from "../../../sdk/node/channels/ChannelAgent.ts";
import type { ChannelAgentOptions } from "../../../sdk/node/channels/ChannelAgent.ts";
import { CoreHome } from "../../../sdk/node/channels/home/CoreHome.ts";
import type { TowerCover } from "../../../sdk/node/channels/towers/TowerHandover.ts";
import { createLocalSigner } from "../../../sdk/node/channels/signing/ChannelSigner.ts";
import { DemoError } from "../LocalNetwork.ts";
import type { Watchtower } from "../LocalNetwork.ts";
import type { Chapter, Character, Story } from "../Story.ts";

const DEPOSIT = "0.5";
const PRICE = "0.00001";
const CALLS = 3_000;
const LATE_CALLS = 200;
const CORE_CALLS = 500;
const WINDOW_SECONDS = 8;
const PATIENCE_MS = 30_000;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array): string => new TextDecoder().decode(content);

async function enter(story: Story, { name, key, agent }: Character, options: Partial<ChannelAgentOptions> = {}): Promise<ChannelAgent> {
  const { provider, directory, deployment } = story.network;
  return ChannelAgent.start({
    dir: join(directory, `channels-${name}`),
    signer: createLocalSigner(fromHex(key, 32)),
    desk: await ChannelDesk.connect(deployment.contracts.adjudicator, new Wallet(key, provider)),
    core: new CoreHome(new CoreChannelDesk(agent), provider),
    pollMs: 200,
    ...options,
  });
}

/** Many calls at once; tells how fast they went. */
async function callOften({ narrator }: Story, channel: AgentChannel, count: number): Promise<void> {
  const startedAt = performance.now();
  const calls = Array.from({ length: count }, (_, number) => channel.call(bytes(`Translate word ${number}`), PRICE));
  const answers = await narrator.waiting(`Waiting for ${count} answers …`, Promise.all(calls));
  const seconds = (performance.now() - startedAt) / 1000;
  narrator.fact("calls", `${count} in ${seconds.toFixed(2)} s (${Math.round(count / seconds)} a second), each paid, answered, signed by both and on both disks`);
  narrator.fact("the last one", `number ${answers.at(-1)!.sequence}: "${text(answers.at(-1)!.response)}"`);
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + PATIENCE_MS; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (Date.now() > endMs) throw new DemoError(`${what}: not after ${PATIENCE_MS / 1000} s.`);
  }
}

/** Translator has gone: the watchtower alone answers for it. */
async function answeredByTower({ narrator, network }: Story, channel: AgentChannel, paidUnits: number, tower: Watchtower): Promise<void> {
  const adjudicator = connectAdjudicator(network.deployment.contracts.adjudicator, network.provider);
  const startedAt = performance.now();
  await narrator.waiting("Waiting for the watchtower …", until("No answer", async () => Number((await adjudicator.recordedOf(channel.channelId)).paidByA) === paidUnits));
  const [event] = await adjudicator.queryFilter(adjudicator.filters.VoucherRecorded(channel.channelId));
  const transaction = await event?.getTransaction();
  if (transaction?.from.toLowerCase() !== tower.address.toLowerCase()) throw new DemoError(`The answer came from ${transaction?.from}, not from the watchtower.`);
  narrator.fact("answered", `after ${((performance.now() - startedAt) / 1000).toFixed(1)} s of ${WINDOW_SECONDS}, with the newest state that Planner has signed`);
  narrator.fact("by the watchtower", transaction.hash);
}

/** What the watchtower has promised for the newest state, once Translator's agent has the receipt. */
async function showPromise(story: Story, channel: AgentChannel, tower: Watchtower): Promise<void> {
  const { narrator } = story;
  const coverOf = async (): Promise<TowerCover | undefined> => (await channel.status()).towers[0];
  await narrator.waiting("Waiting for the watchtower's receipt …", until("No receipt", async () => (await coverOf())?.isNewest === true));
  const { covered, until: end } = (await coverOf())!;
  narrator.say("Translator's agent has handed the newest state to a watchtower by itself, and has its signed promise:");
  narrator.fact("promise", `no close with less than ${story.money(covered!.paid)} paid, until ${new Date(end! * 1000).toISOString().slice(0, 10)}`);
  narrator.fact("behind it", `a bond of ${formatEther(tower.bondWei)} ETH on L1, lost if it sleeps`);
}

async function onL1(story: Story, planner: ChannelAgent, translator: ChannelAgent, partner: string, tower: Watchtower): Promise<void> {
  const { narrator } = story;
  narrator.say(`Planner and Translator will talk a lot, so they leave the chain: Planner locks ${DEPOSIT} ETH in one L1 transaction.`);
  const opening = planner.open({ partner, peerAddress: translator.listening!, deposit: DEPOSIT, windowSeconds: WINDOW_SECONDS });
  const channel = await narrator.waiting("Opening the channel …", opening.then(async (opened) => opened.ready().then(() => opened)));
  narrator.fact("channel", channel.channelId);
  const empty = channel.evidence();
  await callOften(story, channel, CALLS);
  const version = await channel.rebase();
  narrator.say(`Both sign one state that replaces all vouchers so far (version ${version}), and go on.`);
  await channel.ready();
  await callOften(story, channel, LATE_CALLS);
  const { engine } = await channel.status();
  narrator.fact("paid so far", `${story.money(engine.outgoing.paid)} for ${engine.outgoing.sequence} calls`);

  await showPromise(story, translator.channel(channel.channelId), tower);

  await translator.stop();
  narrator.say("Translator goes offline: its agent is stopped.");
  narrator.say("Now Planner cheats. It asks L1 for the close with the state of the very beginning, in which nothing was paid.");
  const { deadline } = await planner.desk.challenge(channel.config, 0, empty);
  await answeredByTower(story, channel, engine.outgoing.paid, tower);
  const settled = await narrator.waiting(`Waiting for the end of the window at ${new Date(deadline * 1000).toISOString().slice(11, 19)} …`, channel.finish());
  if (settled.shareB !== engine.outgoing.paid) throw new DemoError(`Translator was paid ${settled.shareB} units, not ${engine.outgoing.paid}.`);
  narrator.say("L1 pays by the newest state. Cheating has brought nothing:");
  narrator.fact("Translator", `+ ${story.money(settled.shareB)}`);
  narrator.fact("Planner", `${story.money(settled.shareA)} of its ${DEPOSIT} ETH back`);
  narrator.fact("transaction", settled.transactionHash ?? "");
}

async function inCore(story: Story, [planner, translator]: readonly [ChannelAgent, ChannelAgent], [payer, payee]: readonly [Character, Character]): Promise<void> {
  const { narrator, network } = story;
  const transactions = async (): Promise<number> => {
    const counts = await Promise.all([planner, translator].map(({ address }) => network.provider.getTransactionCount(address)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const before = { transactions: await transactions(), payee: await story.balance(payee), payer: await story.balance(payer) };
  narrator.say("The same inside the chain: the channel is opened, funded and settled by operations of Layer Core.");
  const channel = await planner.openInCore({ partner: payee.agent.address, peerAddress: translator.listening!, deposit: DEPOSIT });
  narrator.fact("window", `${Math.round(channel.config.windowSeconds / 3600)} h: long enough that no sequencer can keep an answer out`);
  await narrator.waiting("Waiting until both serve it …", channel.ready());
  await callOften(story, channel, CORE_CALLS);
  const { shareB } = await channel.close();
  narrator.say("Both sign the end, and one operation pays:");
  narrator.fact("Translator", story.change(before.payee, await story.balance(payee)));
  narrator.fact("Planner", `${story.change(before.payer, await story.balance(payer))} (with the fees)`);
  narrator.fact("L1 transactions", `${(await transactions()) - before.transactions} from either of them`);
  if (shareB <= 0) throw new DemoError("Nothing was paid.");
}

/** Two agents leave the chain, talk thousands of times, and come back; a cheater gains nothing. */
export const channels: Chapter = {
  number: 8,
  title: "Two agents leave the chain, and a cheater gains nothing",
  async play(story) {
    const cast = await story.cast();
    const tower = await story.narrator.waiting("Bonding and starting a watchtower …", story.network.watchtower());
    const selling: Partial<ChannelAgentOptions> = { listen: "/ip4/127.0.0.1/tcp/0", answer: async (request) => bytes(text(request).toUpperCase()) };
    let translator = await enter(story, cast.translator, { ...selling, towers: { urls: [tower.url], towerBond: tower.towerBond } });
    try {
      // A cheater does not answer its own lie.
      const planner = await enter(story, cast.planner, { isGuarding: false });
      try {
        await onL1(story, planner, translator, cast.translator.agent.address, tower);
        translator = await enter(story, cast.translator, selling);
        story.narrator.say("Translator is back; it was paid while it was away.");
        await inCore(story, [planner, translator], [cast.planner, cast.translator]);
      } finally {
        await planner.stop();
      }
    } finally {
      await translator.stop();
    }
  },
};
