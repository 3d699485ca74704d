import type { OperationHandle } from "../../../sdk/bundles/OperationHandle.ts";
import type { Workflow } from "../../../sdk/Workflow.ts";
import type { Cast, Chapter, Character, Story } from "../Story.ts";

const ESCROW = "0.06";

interface Step {
  readonly worker: Character;
  readonly price: string;
  readonly input: string;
}

function stepsOf({ translator, illustrator, critic }: Cast): Step[] {
  return [
    { worker: translator, price: "0.01", input: "Translate the brochure" },
    { worker: illustrator, price: "0.02", input: "Draw its cover" },
    { worker: critic, price: "0.03", input: "Check both" },
  ];
}

/** Opens a workflow with its three steps; each depends on the one before. */
async function openWorkflow(cast: Cast, answers: (step: Step, call: OperationHandle) => OperationHandle): Promise<Workflow> {
  const workflow = cast.planner.agent.workflow({ steps: 3, escrow: ESCROW, deadlineSeconds: 120 });
  let previous: OperationHandle | undefined;
  for (const step of stepsOf(cast)) {
    const call = workflow.step({
      provider: step.worker.agent.address,
      price: step.price,
      input: step.input,
      deadlineSeconds: 60,
      ...(previous === undefined ? {} : { dependsOn: previous }),
    });
    await call.durable;
    await answers(step, call).durable;
    previous = call;
  }
  return workflow;
}

async function balances(story: Story, cast: Cast): Promise<Map<Character, number>> {
  return new Map(await Promise.all(Object.values(cast).map(async (each: Character) => [each, await story.balance(each)] as const)));
}

async function tellChanges(story: Story, cast: Cast, before: Map<Character, number>): Promise<void> {
  const after = await balances(story, cast);
  for (const character of Object.values(cast) as Character[]) story.narrator.fact(character.name, story.change(before.get(character)!, after.get(character)!));
}

/** Three agents work together: all are paid, or none. */
export const workflows: Chapter = {
  number: 3,
  title: "A workflow of three agents: all are paid, or none",
  async play(story) {
    const { narrator } = story;
    const cast = await story.cast();

    narrator.say(`Planner locks ${ESCROW} ${story.asset.symbol} for a job of three steps: translate, illustrate, check. Each step needs the one before. All three agents answer.`);
    let before = await balances(story, cast);
    const good = await openWorkflow(cast, (step, call) => step.worker.agent.respond(call, `done: ${step.input}`));
    await tellChanges(story, cast, before);
    narrator.say("Nobody is paid for a part. One COMPOSE settles the whole, whatever its size; then each claims its share.");
    await good.compose().durable;
    await Promise.all(good.claimAll().map((claim) => claim.durable));
    await tellChanges(story, cast, before);

    narrator.say("The same job again, but Critic answers that it cannot do its step. COMPOSE refunds the workflow as a whole; only fees are spent.");
    before = await balances(story, cast);
    const failing = await openWorkflowUntilFailure(cast);
    await failing.compose().durable;
    await Promise.all(failing.claimAll().map((claim) => claim.durable));
    await tellChanges(story, cast, before);
  },
};

async function openWorkflowUntilFailure(cast: Cast): Promise<Workflow> {
  return openWorkflow(cast, (step, call) =>
    step.worker === cast.critic ? step.worker.agent.respond(call, "the pictures do not load", { failed: true }) : step.worker.agent.respond(call, `done: ${step.input}`),
  );
}
