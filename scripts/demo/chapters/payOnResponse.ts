import type { Chapter } from "../Story.ts";

/** One call between two agents, paid by its answer. */
export const payOnResponse: Chapter = {
  number: 2,
  title: "One agent calls another, and the answer is the payment",
  async play(story) {
    const { narrator } = story;
    const { planner, translator } = await story.cast();
    const before = { planner: await story.balance(planner), translator: await story.balance(translator) };

    narrator.say("Planner asks Translator for a translation. The price is locked with the call and moves with the answer.");
    const startedAt = performance.now();
    const since = (): string => `${(performance.now() - startedAt).toFixed(0)} ms`;
    const call = planner.agent.invoke({ provider: translator.agent.address, price: "0.01", input: "Translate: good morning", deadlineSeconds: 60 });
    await call.sequenced;
    narrator.fact("sequenced", `after ${since()}: it has a place in the order`);
    const made = await call.durable;
    narrator.fact("durable", `after ${since()}: logged and signed for, call ${made.id} in slot ${made.slot}, receipt ${made.receipt}`);
    narrator.fact("Planner", `${story.change(before.planner, await story.balance(planner))} (the price, and a fee)`);

    const answer = translator.agent.respond(call, "bonjour");
    const paid = await answer.durable;
    narrator.say(`Translator answers "bonjour" (receipt ${paid.receipt}) and is paid in the same step.`);
    narrator.fact("Translator", story.change(before.translator, await story.balance(translator)));
    const { stateRoot } = await narrator.waiting("Waiting for the signed state root …", answer.rooted);
    narrator.fact("state root", stateRoot);
  },
};
