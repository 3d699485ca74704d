import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { getBytes } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { ANNOUNCED, encodeUptimeTerms } from "../../../chain/uptime/UptimeTerms.ts";
import { createMemoryIntentJournal } from "../../../chain/transactions/MemoryIntentJournal.ts";
import { ManualClock } from "../../../runtime/clock/ManualClock.ts";
import { createLocalSigner } from "../../../runtime/keystore/createLocalSigner.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { Metrics } from "../../../runtime/metrics/Metrics.ts";
import type { WakeQueue } from "../../../runtime/queue/WakeQueue.ts";
import { createProber } from "../../../services/prober/createProber.ts";
import type { Prober } from "../../../services/prober/createProber.ts";
import { ProberStore } from "../../../services/prober/store/ProberStore.ts";
import { createMemoryQueue } from "../../builders/memoryQueue.ts";
import { testKey } from "../../builders/towerChannel.ts";
import { until } from "../../builders/until.ts";
import { AGENT_ID, MIN_STAKE, PENALTY, UNBONDING, UptimeStage } from "../../builders/uptimeStage.ts";

const URL = "https://announced.example";
const SAMPLE_MS = 10_000;

describe("prober: from joining to leaving", () => {
  let stage: UptimeStage;
  let dir: string;
  let prober: Prober | undefined;
  const queues: WakeQueue[] = [];
  const { wallet } = testKey("a prober that comes and goes");

  before(async () => {
    stage = await UptimeStage.start();
    dir = mkdtempSync(join(tmpdir(), "agnt2-prober-"));
    await stage.connection.networkHelpers.setBalance(wallet.address, 10n ** 19n);
  });
  afterEach(async () => {
    await prober?.stop();
    await Promise.all(queues.map((queue) => queue.close()));
  });
  after(async () => {
    await stage.connection.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Its time is that of the chain, which stands still between blocks. */
  async function start(isLeaving: boolean, clock: ManualClock): Promise<Prober> {
    const queue = createMemoryQueue();
    queues.push(queue);
    const meter = await stage.meter.getAddress();
    const { chainId } = await stage.connection.ethers.provider.getNetwork();
    prober = await createProber({
      provider: stage.connection.ethers.provider as unknown as JsonRpcApiProvider, chainId: Number(chainId), meter, firstBlock: 0, signer: createLocalSigner(getBytes(wallet.privateKey)), clock,
      journal: createMemoryIntentJournal(),
      store: await ProberStore.open(join(dir, "prober.json"), { chainId: Number(chainId), meter }),
      queue,
      logger: createLogger({ service: "prober", level: "silent", output: process.stderr }),
      metrics: new Metrics({ service: "prober", processMetrics: false }),
      accepts: { boards: new Set([stage.boardAddress.toLowerCase()]), bounties: [], peers: new Set(), joinsOpenPanels: false, minPeriodSeconds: 1 },
      maxEngagements: 4, endpoints: [], publishes: false, minBalanceWei: 0n, everyMs: 3_600_000,
      measure: (url) => Promise.resolve(url === URL ? { isOk: true, block: 1 } : { isOk: false, reason: "another" }),
      policy: { minCoveragePercent: 50, sampleMs: SAMPLE_MS, stakeWei: MIN_STAKE, isLeaving, tallyAfterSeconds: 0 },
      fees: { calmCapWei: 10n ** 12n, maxCapWei: 10n ** 12n },
      transactions: { pollMs: 20 },
    });
    await prober.start();
    return prober;
  }

  const stakeOf = async (): Promise<readonly bigint[]> => {
    const { amountWei, lockedWei } = await stage.meter.stakeOf(wallet.address);
    return [amountWei, lockedWei];
  };
  const wordOf = async (key: string): Promise<bigint> => BigInt(await stage.meter.attestationOf(key, 0, wallet.address));

  it("joins once, attests what it measured where the operator announced, and reveals, tallies and leaves in another life", async () => {
    const { time } = stage.connection.networkHelpers;
    const clock = new ManualClock(0);
    const first = await start(false, clock);
    await until("it joins", async () => (await stakeOf())[0] === MIN_STAKE);

    await stage.send(stage.board.begin(await stage.meter.getAddress(), 1n, stage.operator.address, AGENT_ID, encodeUptimeTerms(stage.terms({ panel: [wallet.address], quorum: 1, endpointHash: ANNOUNCED }))));
    const key = await stage.meter.keyOf(stage.boardAddress, 1n, 1);
    await stage.send(stage.by(stage.operator).announce(key, URL));
    await first.look();
    for (let sample = 0; sample < 9; sample += 1) await clock.advance(SAMPLE_MS);
    await time.increaseTo(await stage.secondOf(key, 0, "commit"));
    await first.look();
    await until("it commits", async () => (await wordOf(key)) > 10_001n);
    expect(await stakeOf()).to.deep.equal([MIN_STAKE, PENALTY]);
    await first.stop();

    const second = await start(true, new ManualClock(0));
    await until("it unbonds", async () => (await stage.meter.stakeOf(wallet.address)).payableAt > 0n);
    await time.increaseTo(await stage.secondOf(key, 0, "reveal"));
    await second.look();
    await until("it reveals", async () => (await wordOf(key)) === 10_001n);
    await time.increaseTo(await stage.secondOf(key, 0, "tally"));
    await second.look();
    await until("it tallies", async () => (await stage.meter.periodOf(key, 0)).isTallied);
    expect([await stage.meter.unitsOf(stage.boardAddress, 1n), ...(await stakeOf())]).to.deep.equal([10_000n, MIN_STAKE, 0n]);
    await time.increase(UNBONDING);
    await second.look();
    await until("it has its stake", async () => (await stakeOf())[0] === 0n);
    await second.look();
    expect(second.status().stakeWei).to.equal("0");
  });
});
