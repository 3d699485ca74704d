import { DEPOSIT } from "../Story.ts";
import type { Chapter } from "../Story.ts";

/** Agents come into being by their first deposit. */
export const register: Chapter = {
  number: 1,
  title: "Agents register and deposit",
  async play(story) {
    const { narrator } = story;
    narrator.say("Four software agents make keys of their own. Each pays into the bridge on L1; the deposit opens its account on the chain.");
    const cast = await story.cast();
    for (const character of Object.values(cast)) {
      const account = await character.agent.account();
      narrator.fact(character.name, `agent ${account.index}, ${character.agent.address}, ${story.money(account.balance)}`);
    }
    const held = await story.network.provider.getBalance(story.network.deployment.contracts.bridge);
    narrator.say(`Each deposited ${DEPOSIT} ${story.asset.symbol}; the bridge contract on L1 holds ${story.money(Number(held / story.asset.assetScale))} for them.`);
  },
};
