import type { OperationHandle } from "../../../sdk/bundles/OperationHandle.ts";
import { SdkError } from "../../../sdk/SdkError.ts";
import type { Chapter } from "../Story.ts";

const DEADLINE_SECONDS = 3;
const RETRY_MS = 300;
const GIVE_UP_MS = 30_000;

/** Sends TIMEOUT until the chain's own time is past the deadline. */
async function untilTimedOut(send: () => OperationHandle): Promise<OperationHandle> {
  for (const until = Date.now() + GIVE_UP_MS; ; ) {
    const handle = send();
    try {
      await handle.durable;
      return handle;
    } catch (error) {
      if (!(error instanceof SdkError && error.code === "E_NOT_DUE") || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Nobody answers; the price comes back. */
export const timeout: Chapter = {
  number: 4,
  title: "A call is never answered, and its price comes back",
  async play(story) {
    const { narrator } = story;
    const { planner, illustrator, critic } = await story.cast();
    const before = await story.balance(planner);

    narrator.say(`Planner calls Illustrator for 0.05 ${story.asset.symbol}, to be answered within ${DEADLINE_SECONDS} seconds. Illustrator is away.`);
    const call = planner.agent.invoke({ provider: illustrator.agent.address, price: "0.05", input: "Draw a lighthouse", deadlineSeconds: DEADLINE_SECONDS });
    await call.durable;
    narrator.fact("Planner", story.change(before, await story.balance(planner)));

    const waitMs = 1_000 * (DEADLINE_SECONDS + 1);
    await narrator.waiting("Waiting for the deadline …", new Promise((resolve) => setTimeout(resolve, waitMs)));
    const ended = await narrator.waiting("Waiting for the chain's time to pass it …", untilTimedOut(() => critic.agent.timeout(call)));
    narrator.say(`Anyone may say so: Critic sends TIMEOUT (receipt ${(await ended.durable).receipt}). The price is back, only the fee is gone, and Illustrator's record shows a failure.`);
    narrator.fact("Planner", story.change(before, await story.balance(planner)));
    narrator.fact("Illustrator", `${(await illustrator.agent.account()).failed} failed call(s) on record`);
  },
};
