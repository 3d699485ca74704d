import { expect } from "chai";

import { KIND } from "../../core/generated/protocol.ts";
import { claimState } from "../builders/claimState.ts";
import { createDeadChain, GUARDIAN_SECONDS, structOf } from "../builders/deadChain.ts";
import type { DeadChain } from "../builders/deadChain.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { submitBatch } from "../builders/submitBatch.ts";

describe("Guardian", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  const dead = (): Promise<DeadChain> => createDeadChain(scene);
  const guard = ({ bridge }: DeadChain) => bridge.connect(scene.signers[9]!);
  const withdraw = ({ bridge, last, claimId }: DeadChain) => {
    const { words, siblings } = structOf(last.open({ kind: KIND.WITHDRAWAL, index: 1 }));
    return bridge.withdraw(1, words, siblings, claimId);
  };

  it("pause: stops every payout to the exact second, and starts where it is called", async () => {
    const chain = await scene.networkHelpers.loadFixture(dead);
    await chain.end();
    const pausedAt = (await scene.now()) + 5;
    await scene.setNextTime(pausedAt);
    await expect(guard(chain).pause(100)).to.emit(chain.bridge, "PausedUntil").withArgs(pausedAt + 100, 100);
    for (const pay of [() => withdraw(chain), () => chain.payLeaf(chain.exits[0]!), () => chain.refund(4), () => chain.bridge.withdrawClaimable(scene.signers[0]!.address)]) {
      await expect(pay()).to.be.revertedWithCustomError(chain.bridge, "Paused").withArgs(pausedAt + 100);
    }
    await scene.setNextTime(pausedAt + 99);
    await expect(withdraw(chain)).to.be.revertedWithCustomError(chain.bridge, "Paused");
    await scene.setNextTime(pausedAt + 100);
    await withdraw(chain);
    await chain.payLeaf(chain.exits[0]!);
  });

  it("total: is never exceeded over the chain's life, and spent although a pause was ended early", async () => {
    const chain = await scene.networkHelpers.loadFixture(dead);
    const { bridge } = chain;
    await expect(guard(chain).pause(GUARDIAN_SECONDS + 1)).to.be.revertedWithCustomError(bridge, "PauseSpent").withArgs(GUARDIAN_SECONDS + 1, GUARDIAN_SECONDS);
    await guard(chain).pause(300);
    await guard(chain).pause(0);
    expect([await bridge.pausedSeconds(), await bridge.pausedUntil()]).to.deep.equal([300n, BigInt(await scene.now())]);
    await withdraw(chain);
    await expect(guard(chain).pause(201)).to.be.revertedWithCustomError(bridge, "PauseSpent").withArgs(501, GUARDIAN_SECONDS);
    await guard(chain).pause(200);
    const spentAt = await scene.now();
    await scene.networkHelpers.time.increase(10 * 365 * 86_400);
    await expect(guard(chain).pause(1)).to.be.revertedWithCustomError(bridge, "PauseSpent");
    await expect(guard(chain).pause(2 ** 32 - 1)).to.be.revertedWithCustomError(bridge, "PauseSpent");
    expect(await bridge.pausedUntil()).to.equal(BigInt(spentAt + 200));
  });

  it("pauses one after the other: delay a payout by no more than the total", async () => {
    const chain = await scene.networkHelpers.loadFixture(dead);
    const first = await scene.now();
    // The best that it can do: a new pause in the second in which the last one ends.
    for (const [step, seconds] of [100, 150, 250].entries()) {
      await scene.setNextTime(first + 1 + [0, 100, 250][step]!);
      await guard(chain).pause(seconds);
    }
    await scene.setNextTime(first + GUARDIAN_SECONDS);
    await expect(withdraw(chain)).to.be.revertedWithCustomError(chain.bridge, "Paused");
    await scene.setNextTime(first + 1 + GUARDIAN_SECONDS);
    await withdraw(chain);
  });

  it("stranger: may not pause, and without a guardian nobody may", async () => {
    const { bridge } = await scene.networkHelpers.loadFixture(dead);
    const me = scene.signers[0]!.address;
    await expect(bridge.pause(1)).to.be.revertedWithCustomError(bridge, "NotGuardian").withArgs(me);
    const unguarded = (await scene.createRollup()).bridge;
    await expect(unguarded.pause(0)).to.be.revertedWithCustomError(unguarded, "NotGuardian").withArgs(me);
  });

  it("all else: goes on while payouts are paused, deposits, entries, batches, claims, confirmations and the exodus", async () => {
    const chain = await scene.networkHelpers.loadFixture(dead);
    const { bridge, inbox, settlement, exodus } = chain;
    const me = scene.signers[0]!.address;
    await scene.networkHelpers.time.increase(700);
    await guard(chain).pause(GUARDIAN_SECONDS);
    await bridge.deposit(me, 10n ** 9n, { value: 10n ** 9n });
    await inbox.force(new Uint8Array(96), { value: 10n ** 9n });
    await submitBatch(inbox, await scene.now(), await inbox.entryCount(), "0x");
    const { claimId } = await claimState(chain, { stateRoot: `0x${"33".repeat(32)}` });
    await scene.networkHelpers.time.increase(50);
    await settlement.confirm(claimId);
    expect(await exodus.pendingSince()).to.equal(0n);
    await expect(withdraw(chain)).to.be.revertedWithCustomError(bridge, "Paused");
  });
});
