import { expect } from "chai";

import { benchTower } from "../../bench/tower.ts";

/** The full size is `npm run bench -- tower`, or TOWER_CHANNELS=10000. */
const CHANNELS = Number(process.env["TOWER_CHANNELS"] ?? 400);
const MAX_MIB = 512;

describe("tower benchmark", function () {
  this.timeout(600_000);

  it(`memory: ${CHANNELS} channels are watched in less than ${MAX_MIB} MiB, and cheaters among them are answered`, async () => {
    const report = await benchTower(["--channels", String(CHANNELS), "--cheats", "4"], () => undefined);
    expect(report.channels).to.equal(CHANNELS);
    expect(report.receiptsPerSecond).to.be.greaterThan(0);
    // The system does not tell everywhere.
    if (!Number.isNaN(report.peakRssMiB)) expect(report.peakRssMiB).to.be.below(MAX_MIB);
  });
});
