import { expect } from "chai";

import { inWorkOrder } from "../../../services/challenger/act/inWorkOrder.ts";
import { Traces } from "../../../services/challenger/act/Traces.ts";
import { decide } from "../../../services/challenger/decide/decide.ts";
import { DEFAULT_POLICY } from "../../../services/challenger/decide/DisputePolicy.ts";
import type { DisputeCall } from "../../../services/challenger/decide/DisputeAction.ts";
import { EpochStory, stateOf } from "../../builders/disputeStory.ts";
import { createTraceStory } from "../../builders/traceStory.ts";

const EPOCHS = 4;
const GAMES = 5;

/** Liars in several epochs who open in turns, so that the deadlines of their games alternate. */
function alternating(): DisputeCall[] {
  const stories = Array.from({ length: EPOCHS }, (_, number) => {
    const story = new EpochStory(number).enters("we", "truth", 0).crowd(GAMES, (index) => `lie ${index}`, 1);
    for (let j = 1; j <= GAMES; j += 1) story.opens(j, 2 + j * EPOCHS + number);
    return story;
  });
  return decide(stateOf(stories, { now: 50 }), DEFAULT_POLICY).filter((action) => action.type !== "alarm");
}

describe("challenger: order of work", () => {
  const { options } = createTraceStory(1, 1, 1);

  it("liars that alternate between epochs: each epoch is executed once in a turn", async () => {
    const work = async (calls: readonly DisputeCall[]): Promise<number> => {
      let made = 0;
      const traces = new Traces(() => {
        made += 1;
        return options;
      }, 2);
      for (const call of calls) if (call.type === "answer") await traces.get(call.epoch);
      return made;
    };
    const calls = alternating();
    expect(calls).to.have.length(EPOCHS * GAMES);
    expect(await work(calls), "by deadlines alone").to.equal(EPOCHS * GAMES);
    expect(await work(inWorkOrder(calls))).to.equal(EPOCHS);
  });

  it("claims and what can wait: do not wait for a trace, and do not hold one up", () => {
    const calls: DisputeCall[] = [
      ...alternating(),
      { type: "back", epoch: 9, claimId: "0x09", attempt: 0, valueWei: 1n, deadline: 9_000 },
      { type: "timeout", roundId: "0x0a", i: 0, j: 1, valueWei: 0n, deadline: Infinity },
    ];
    const types = inWorkOrder(calls).map(({ type }) => type);
    expect(types).to.have.length(calls.length);
    expect([types[0], types[1], types.at(-1)]).to.deep.equal(["back", "answer", "timeout"]);
  });
});
