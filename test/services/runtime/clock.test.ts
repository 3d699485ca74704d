import { expect } from "chai";

import { ManualClock } from "../../../runtime/clock/ManualClock.ts";
import { systemClock } from "../../../runtime/clock/systemClock.ts";

describe("Clock", () => {
  it("manual sleep: wakes in order of due time when time advances", async () => {
    const clock = new ManualClock(0);
    const woken: string[] = [];
    const late = clock.sleep(2000).then(() => woken.push(`late at ${clock.nowMs()}`));
    const early = clock.sleep(1000).then(async () => {
      woken.push(`early at ${clock.nowMs()}`);
      await clock.sleep(500);
      woken.push(`again at ${clock.nowMs()}`);
    });
    await clock.advance(999);
    expect(woken).to.deep.equal([]);
    await clock.advance(1001);
    await Promise.all([late, early]);
    expect(woken).to.deep.equal(["early at 1000", "again at 1500", "late at 2000"]);
    expect(clock.nowSeconds()).to.equal(2);
  });

  for (const [name, clock] of [["manual", new ManualClock()], ["system", systemClock]] as const) {
    it(`${name} sleep: rejects with the reason when it is aborted`, async () => {
      const controller = new AbortController();
      const sleep = clock.sleep(60_000, controller.signal).catch((error: Error) => error.message);
      controller.abort(new Error("enough"));
      expect(await sleep).to.equal("enough");
      expect(await clock.sleep(60_000, controller.signal).catch((error: Error) => error.message)).to.equal("enough");
    });
  }

  it("system sleep: takes about as long as asked when nothing aborts it", async () => {
    const startedMs = systemClock.nowMs();
    await systemClock.sleep(30);
    expect(systemClock.nowMs() - startedMs).to.be.within(28, 1000);
    expect(Math.abs(systemClock.nowSeconds() - Date.now() / 1000)).to.be.below(2);
  });
});
