import { expect } from "chai";

import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { decodeRevertData, revertDataOf } from "../../chain/decodeRevert.ts";
import { KIND } from "../../core/generated/protocol.ts";
import type { HostileRecipient } from "../../typechain-types/index.ts";
import { createDeadChain, GWEI, structOf } from "../builders/deadChain.ts";
import type { DeadChain } from "../builders/deadChain.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { Random } from "../differential/scenario/Random.ts";

const RUNS = 8;
const CALLS = 60;
const PAYMENT_REFUSED = /reverted with custom error '(AlreadyPaid|NotFinalised|PayoutDelayed|Paused)'/;
/** With what each call may be refused; for anything else there is no reason here. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  declare: /reverted with custom error '(AlreadyDeclared|TooEarly)'/,
  finalise: /reverted with custom error '(AlreadyFinalised|NotDeclared)'/,
  payLeaf: PAYMENT_REFUSED,
  refund: PAYMENT_REFUSED,
  "refund to who refuses": PAYMENT_REFUSED,
  withdraw: /reverted with custom error '(AlreadyWithdrawn|Paused)'/,
  withdrawClaimable: /reverted with custom error '(NothingClaimable|Paused)'/,
  pause: /reverted with custom error 'PauseSpent'/,
};

describe("Exodus, calls in any order", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  const dead = (): Promise<DeadChain> => createDeadChain(scene);

  it("money: nothing is paid twice or in excess, and in the end everybody has everything", async function () {
    this.timeout(120_000);
    const successes = new Map<string, number>();
    for (let seed = 1; seed <= RUNS; seed += 1) {
      const chain = await scene.networkHelpers.loadFixture(dead);
      const { bridge, exodus, last, claimId, exits } = chain;
      const random = new Random(seed);
      const hostile = (await scene.ethers.deployContract("HostileRecipient")) as unknown as HostileRecipient;
      const refuser = await hostile.getAddress();
      await hostile.execute(bridge, 9n * GWEI, bridge.interface.encodeFunctionData("deposit", [refuser, 9n * GWEI]), { value: 9n * GWEI });
      const { kind, sender, account, value, slots, dataRoot, dueTime } = (await chain.inbox.queryFilter(chain.inbox.filters.EntryQueued(7)))[0]!.args;
      const refundRefuser = () => exodus.refundDeposit(7, { kind, sender, account, value, slots, dataRoot, dueTime }, structOf(last.machine()));
      const before = await scene.ethers.provider.getBalance(await bridge.getAddress());
      const withdraw = (index: number) => {
        const { words, siblings } = structOf(last.open({ kind: KIND.WITHDRAWAL, index }));
        return bridge.withdraw(index, words, siblings, claimId);
      };
      const fetchClaimable = () => hostile.execute(bridge, 0, bridge.interface.encodeFunctionData("withdrawClaimable", [scene.signers[4]!.address]));
      const actions: readonly (readonly [name: string, act: () => Promise<unknown>])[] = [
        ["declare", () => exodus.declare()],
        ["finalise", () => exodus.finalise()],
        ["payLeaf", () => chain.payLeaf(exits[random.below(exits.length)]!)],
        ["refund", () => chain.refund(random.below(7))],
        ["refund to who refuses", refundRefuser],
        ["withdraw", () => withdraw(random.below(2))],
        ["withdrawClaimable", fetchClaimable],
        ["pause", () => bridge.connect(scene.signers[9]!).pause(random.below(200))],
        ["wait", () => scene.networkHelpers.time.increase(random.below(600))],
      ];
      await hostile.setMode(1);
      // What was paid, by the events; and every mark once.
      const check = async (): Promise<void> => {
        const paid = await bridge.queryFilter(bridge.filters.ExodusPaid());
        const withdrawn = await bridge.queryFilter(bridge.filters.Withdrawn());
        const marks = [...paid.map(({ args }) => `${args.kind}/${args.index}`), ...withdrawn.map(({ args }) => `${KIND.WITHDRAWAL}/${args.index}`)];
        expect(new Set(marks).size, `seed ${seed}`).to.equal(marks.length);
        // The first withdrawal was paid before the count began.
        const out = paid.reduce((sum, { args }) => sum + args.amount, 0n) + withdrawn.slice(1).reduce((sum, { args }) => sum + args.amount, 0n);
        const left = await scene.ethers.provider.getBalance(await bridge.getAddress());
        expect(before - left + (await bridge.claimable(refuser)), `seed ${seed}`).to.equal(out);
      };
      const attempt = async (name: string, act: () => Promise<unknown>): Promise<void> => {
        try {
          await act();
          successes.set(name, (successes.get(name) ?? 0) + 1);
        } catch (error) {
          // The bridge is called by others: the network does not know all of its errors by itself.
          const { message, values } = decodeRevertData(revertDataOf(error) ?? "0x", ROOT_ABIS);
          expect(`reverted with custom error '${String(values["contractError"])}'`, `${name}: ${message}`).to.match(REFUSALS[name]!);
        }
      };
      for (let call = 0; call < CALLS; call += 1) {
        const [name, act] = actions[random.below(actions.length)]!;
        await attempt(name, act);
        if (call % 20 === 0) await check();
      }
      // Whatever was left open: everybody comes for the rest.
      await scene.networkHelpers.time.increase(10_000);
      await attempt("declare", () => exodus.declare());
      await attempt("finalise", () => exodus.finalise());
      await scene.networkHelpers.time.increase(1_000);
      for (const exit of exits) await attempt("payLeaf", () => chain.payLeaf(exit));
      for (const index of [4, 6]) await attempt("refund", () => chain.refund(index));
      await attempt("refund to who refuses", refundRefuser);
      await attempt("withdrawClaimable", fetchClaimable);
      await check();
      expect(await scene.ethers.provider.getBalance(await bridge.getAddress()), `seed ${seed}`).to.equal(0n);
    }
    for (const name of ["declare", "finalise", "payLeaf", "refund", "refund to who refuses", "withdraw", "withdrawClaimable", "pause"]) {
      expect(successes.get(name) ?? 0, name).to.be.greaterThan(RUNS / 4);
    }
  });
});
