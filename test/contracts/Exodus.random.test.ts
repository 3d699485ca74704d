import { expect } from "chai";

import { channelDomain } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/index.ts";
import { ExitState } from "../../core/exit/index.ts";
import { INVOCATION, KIND, LEAF_BYTES, OP, WORKFLOW } from "../../core/generated/protocol.ts";
import { GWEI, PAYOUT_DELAY, structOf } from "../builders/deadChain.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { TEST_CHANNELS } from "../builders/TestRollup.ts";
import { createTraceStory } from "../builders/traceStory.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];
const BATCHES = 40;

describe("Exodus from random states", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  /** A random chain: its last state, and the units that were ever deposited. */
  function randomChain(seed: number, channels = TEST_CHANNELS) {
    const { rollup, roots } = createTraceStory(seed, 0, BATCHES, { channels });
    const state = new ExitState(rollup.parameters);
    for (const batch of rollup.batches) state.execute(batch, (index) => rollup.entries[index]!);
    expect(state.root(), `seed ${seed}`).to.equal(toHex(roots.at(-1)!));
    const deposited = rollup.entries.slice(0, state.inboxCursor).reduce((sum, { kind, value }) => (kind === OP.DEPOSIT ? sum + BigInt(value) : sum), 0n);
    return { rollup, state, deposited };
  }

  it("what a state owes: is what was ever deposited, withdrawals that are paid included", () => {
    const reasons = new Map<string, number>();
    for (let seed = 1; seed <= 20; seed += 1) {
      const { state, deposited } = randomChain(seed);
      const exits = state.exits(`0x${"fe".repeat(20)}`);
      expect(exits.reduce((sum, { units }) => sum + BigInt(units), 0n), `seed ${seed}`).to.equal(deposited);
      for (const { reason } of exits) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    for (const reason of ["balance", "unansweredCall", "answeredCall", "wonStep", "lostStep", "openWorkflow", "channel", "fees", "withdrawal"]) {
      expect(reasons.get(reason) ?? 0, reason).to.be.greaterThan(0);
    }
  }).timeout(60_000);

  for (const seed of SEEDS) {
    it(`contract: pays what the list says of a random state, to the last unit, and nothing else (seed ${seed})`, async () => {
      const feeRecipient = scene.signers[8]!.address;
      const chain = await scene.createRollup({ feeRecipient });
      const adjudicator = fromHex((await chain.game.config()).adjudicator, 20);
      const { rollup: story, state, deposited } = randomChain(seed, channelDomain({ chainId: 31337, adjudicator }));
      const { bridge, exodus, inbox } = chain;
      await scene.networkHelpers.setBalance(scene.signers[0]!.address, deposited * GWEI + 10n ** 20n);
      await bridge.deposit(scene.signers[0]!.address, deposited * GWEI, { value: deposited * GWEI });
      await scene.confirmState(chain, state.root());
      await inbox.force(new Uint8Array(96), { value: 10n ** 9n });
      await scene.setNextTime(Number(await exodus.declarableAt()));
      await exodus.declare();
      await exodus.finalise();
      await scene.networkHelpers.time.increase(PAYOUT_DELAY);

      const exits = state.exits(feeRecipient.toLowerCase());
      for (const exit of exits) {
        const { leaf, context } = state.prove(exit);
        await expect(exodus.payLeaf(structOf(leaf), context.map(structOf)), `${exit.reason} ${exit.kind}/${exit.index}`)
          .to.emit(bridge, "ExodusPaid")
          .withArgs(exit.kind, exit.index, (to: string) => to.toLowerCase() === exit.to, BigInt(exit.units) * GWEI, true);
      }
      expect(await bridge.heldUnits()).to.equal(0n);

      const listed = new Set(exits.map(({ kind, index }) => `${kind}/${index}`));
      const at = (kind: number, index: number) => structOf(state.open({ kind, index }));
      const { agents, invocations, workflows } = story.state;
      const rest = [
        ...Array.from({ length: agents.count }, (_, index) => [KIND.AGENT, index, []] as const),
        ...Array.from({ length: invocations.count }, (_, index) => [KIND.INVOCATION, index, [at(KIND.AGENT, invocations.u32(index * LEAF_BYTES + INVOCATION.requester))]] as const),
        ...Array.from({ length: workflows.count }, (_, index) => [KIND.WORKFLOW, index, [at(KIND.AGENT, workflows.u32(index * LEAF_BYTES + WORKFLOW.owner))]] as const),
      ].filter(([kind, index]) => !listed.has(`${kind}/${index}`));
      for (const [kind, index, context] of rest) {
        // A step that was free of charge wants its workflow; whatever it is given, it is not paid.
        await expect(exodus.payLeaf(at(kind, index), [...context]), `${kind}/${index}`).to.revert(scene.ethers);
      }
    }).timeout(60_000);
  }
});
