import { expect } from "chai";
import { keccak256, toBeHex } from "ethers";

import { encodeUptimeTerms, endpointHashOf } from "../../../chain/uptime/UptimeTerms.ts";
import type { UptimeTerms } from "../../../chain/uptime/UptimeTerms.ts";
import { uptimeKey } from "../../../chain/uptime/uptimeHashes.ts";
import type { UptimeMeter } from "../../../typechain-types/index.ts";
import { BountyStage, errorOf, STAKE } from "../../builders/bountyStage.ts";
import type { Signer } from "../../builders/bountyStage.ts";

const [PERIOD, COMMIT, REVEAL] = [30, 10, 10] as const;
const MIN_STAKE = 1_000n;
const UNIT_PRICE = 3n;

describe("UptimeMeter on a BountyBoard", () => {
  let stage: BountyStage;
  let meter: UptimeMeter;
  let meterAddress: string;
  let validators: readonly Signer[];
  let restore: () => Promise<void>;

  before(async () => {
    stage = await BountyStage.start();
    meter = (await stage.connection.ethers.deployContract("UptimeMeter", [toBeHex(1, 20), MIN_STAKE, 1_000])) as unknown as UptimeMeter;
    meterAddress = await meter.getAddress();
    validators = stage.bidders.slice(4, 7).sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    for (const validator of validators) await stage.send(by(validator).join({ value: MIN_STAKE }));
    const snapshot = await stage.connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(async () => {
    expect(await stage.isSolvent()).to.equal(true);
    await restore();
  });
  after(() => stage.connection.close());

  const by = (validator: Signer): UptimeMeter => meter.connect(validator) as UptimeMeter;
  const panel = (): string[] => validators.map(({ address }) => address);
  const salt = keccak256("0x01");

  function terms(change: Partial<UptimeTerms> = {}) {
    const uptime: UptimeTerms = { panel: panel(), endpointHash: endpointHashOf("https://a"), periodSeconds: PERIOD, commitSeconds: COMMIT, revealSeconds: REVEAL, quorum: 2, toleranceBps: 100, floorBps: 5_000, badPeriods: 2, ...change };
    return stage.metered({ role: "RPC_PROVIDER", source: meterAddress, sourceParams: encodeUptimeTerms(uptime), ceiling: UNIT_PRICE });
  }

  /** All validators say the same of a period. */
  async function attest(id: bigint, round: number, period: number, uptimeBps: number): Promise<void> {
    const key = uptimeKey(stage.address, id, round);
    const end = Number((await meter.engagementOf(key)).begunAt) + (period + 1) * PERIOD;
    const { time } = stage.connection.networkHelpers;
    await time.increaseTo(end);
    for (const validator of validators) await stage.send(by(validator).commit(key, panel(), period, await meter.commitmentOf(key, period, validator.address, uptimeBps, salt)));
    await time.increaseTo(end + COMMIT);
    for (const validator of validators) await stage.send(by(validator).reveal(key, period, uptimeBps, salt));
    await time.increaseTo(end + COMMIT + REVEAL);
    await stage.send(meter.tally(key, period));
  }

  it("claimUnits: pays the median of each period, once", async () => {
    const id = await stage.engaged(terms());
    await attest(id, 1, 0, 9_000);
    await attest(id, 1, 1, 7_000);
    await stage.send(stage.board.claimUnits(id));
    expect(await stage.credit(stage.bidders[0]!)).to.equal(16_000n * UNIT_PRICE);
    await attest(id, 1, 2, 1_000);
    await stage.send(stage.board.claimUnits(id));
    expect(await stage.credit(stage.bidders[0]!)).to.equal(17_000n * UNIT_PRICE);
  });

  it("fail: after bad periods in a row the operator is paid what was attested and slashed, and the next one begins at zero", async () => {
    const id = await stage.engaged(terms(), [UNIT_PRICE, UNIT_PRICE]);
    await attest(id, 1, 0, 9_000);
    await attest(id, 1, 1, 4_000);
    expect(await errorOf(stage.board.fail(id))).to.not.equal("none");
    await attest(id, 1, 2, 100);
    await stage.send(stage.by(stage.stranger).fail(id));
    expect(await stage.credit(stage.bidders[0]!)).to.equal(13_100n * UNIT_PRICE);
    expect(await stage.credit(stage.stranger)).to.equal(STAKE / 10n);

    await stage.until(id, "AWARD");
    await stage.send(stage.by(stage.poster).award(id, stage.bidders[1]!.address));
    expect(await meter.unitsOf(stage.address, id)).to.equal(0n);
    await attest(id, 2, 0, 8_000);
    await stage.send(stage.board.claimUnits(id));
    expect(await stage.credit(stage.bidders[1]!)).to.equal(8_000n * UNIT_PRICE);
    expect(await stage.credit(stage.bidders[0]!)).to.equal(13_100n * UNIT_PRICE);
  });

  it("award: terms that the meter does not take hire nobody", async () => {
    const id = await stage.post(terms({ quorum: 1 }));
    await stage.bids(id, [UNIT_PRICE]);
    expect(await errorOf(stage.by(stage.poster).award(id, stage.bidders[0]!.address))).to.equal("MeterRefused");
  });

  it("finish: what nobody attested is not paid, and the operator has its stake back", async () => {
    const id = await stage.engaged(terms());
    await stage.pass(2_000);
    await stage.send(stage.board.finish(id));
    expect(await stage.phase(id)).to.equal("CLOSED");
    expect(await stage.credit(stage.bidders[0]!)).to.equal(STAKE);
  });
});
