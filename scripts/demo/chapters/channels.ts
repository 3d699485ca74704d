import { join } from "node:path";

import { Wallet } from "ethers";

import { fromHex } from "../../../core/codec/hex.ts";
import { ChannelDesk } from "../../../sdk/channels/ChannelDesk.ts";
import { CoreChannelDesk } from "../../../sdk/channels/CoreChannelDesk.ts";
import type { AgentChannel } from "../../../sdk/node/channels/AgentChannel.ts";
import { ChannelAgent } from "../../../sdk/node/channels/ChannelAgent.ts";
import type { ChannelAgentOptions, ChannelNotice } from "../../../sdk/node/channels/ChannelAgent.ts";
import { CoreHome } from "../../../sdk/node/channels/home/CoreHome.ts";
import { createLocalSigner } from "../../../sdk/node/channels/signing/ChannelSigner.ts";
import { DemoError } from "../LocalNetwork.ts";
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

interface Player {
  readonly agent: ChannelAgent;
  readonly notices: ChannelNotice[];
}

async function enter(story: Story, { name, key, agent }: Character, options: Partial<ChannelAgentOptions> = {}): Promise<Player> {
  const { provider, directory, deployment } = story.network;
  const notices: ChannelNotice[] = [];
  const started = await ChannelAgent.start({
    dir: join(directory, `channels-${name}`),
    signer: createLocalSigner(fromHex(key, 32)),
    desk: await ChannelDesk.connect(deployment.contracts.adjudicator, new Wallet(key, provider)),
    core: new CoreHome(new CoreChannelDesk(agent), provider),
    pollMs: 200,
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  return { agent: started, notices };
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

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const endMs = Date.now() + PATIENCE_MS; !isSo(); await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (Date.now() > endMs) throw new DemoError(`${what}: not after ${PATIENCE_MS / 1000} s.`);
  }
}

async function onL1(story: Story, planner: Player, translator: Player, partner: string): Promise<void> {
  const { narrator } = story;
  narrator.say(`Planner and Translator will talk a lot, so they leave the chain: Planner locks ${DEPOSIT} ETH in one L1 transaction.`);
  const opening = planner.agent.open({ partner, peerAddress: translator.agent.listening!, deposit: DEPOSIT, windowSeconds: WINDOW_SECONDS });
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

  narrator.say("Now Planner cheats. It asks L1 for the close with the state of the very beginning, in which nothing was paid.");
  const { deadline } = await planner.agent.desk.challenge(channel.config, 0, empty);
  const startedAt = performance.now();
  await narrator.waiting("Waiting for Translator's watch …", until("No answer", () => translator.notices.some(({ kind }) => kind === "answered-close")));
  narrator.fact("answered", `after ${((performance.now() - startedAt) / 1000).toFixed(1)} s of ${WINDOW_SECONDS}, with the newest state that Planner has signed; a watchtower does the same for who is asleep`);
  const settled = await narrator.waiting(`Waiting for the end of the window at ${new Date(deadline * 1000).toISOString().slice(11, 19)} …`, channel.finish());
  if (settled.shareB !== engine.outgoing.paid) throw new DemoError(`Translator was paid ${settled.shareB} units, not ${engine.outgoing.paid}.`);
  narrator.say("L1 pays by the newest state. Cheating has brought nothing:");
  narrator.fact("Translator", `+ ${story.money(settled.shareB)}`);
  narrator.fact("Planner", `${story.money(settled.shareA)} of its ${DEPOSIT} ETH back`);
  narrator.fact("transaction", settled.transactionHash ?? "");
}

async function inCore(story: Story, [planner, translator]: readonly [Player, Player], [payer, payee]: readonly [Character, Character]): Promise<void> {
  const { narrator, network } = story;
  const transactions = async (): Promise<number> => {
    const counts = await Promise.all([planner, translator].map(({ agent }) => network.provider.getTransactionCount(agent.address)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const before = { transactions: await transactions(), payee: await story.balance(payee), payer: await story.balance(payer) };
  narrator.say("The same inside the chain: the channel is opened, funded and settled by operations of Layer Core.");
  const channel = await planner.agent.openInCore({ partner: payee.agent.address, peerAddress: translator.agent.listening!, deposit: DEPOSIT });
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
    const translator = await enter(story, cast.translator, { listen: "/ip4/127.0.0.1/tcp/0", answer: async (request) => bytes(text(request).toUpperCase()) });
    try {
      // A cheater does not answer its own lie.
      const planner = await enter(story, cast.planner, { isGuarding: false });
      try {
        await onL1(story, planner, translator, cast.translator.agent.address);
        await inCore(story, [planner, translator], [cast.planner, cast.translator]);
      } finally {
        await planner.agent.stop();
      }
    } finally {
      await translator.agent.stop();
    }
  },
};
