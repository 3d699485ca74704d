import { expect } from "chai";

import { bodyMs } from "../../../sidecar/gate/bodyMs.ts";

describe("time for a body", () => {
  const now = 1_000_000_000;
  const endsIn = (seconds: number): { readonly expiresAt: number } => ({ expiresAt: now / 1_000 + seconds });

  it("bodyMs: leaves the service its time within the payment's life, or half of a short one, and never the whole", () => {
    expect([bodyMs("exact", endsIn(90), 30_000, now), bodyMs("call", endsIn(150), 30_000, now)]).to.deep.equal([60_000, 120_000]);
    expect([bodyMs("exact", endsIn(30), 30_000, now), bodyMs("exact", endsIn(6), 1_000, now), bodyMs("exact", endsIn(300), 280_000, now)]).to.deep.equal([15_000, 5_000, 150_000]);
    for (const seconds of [1, 6, 60, 3_600]) for (const timeoutMs of [1, 1_000, 30_000, 10_000_000]) expect(bodyMs("exact", endsIn(seconds), timeoutMs, now)).to.be.lessThan(1_000 * seconds);
  });

  it("bodyMs: of a call on a channel is what it is held open for besides the service's time", () => {
    expect([bodyMs("channel", endsIn(0), 30_000, now), bodyMs("channel", { expiresAt: undefined }, 30_000, now)]).to.deep.equal([60_000, 60_000]);
  });
});
