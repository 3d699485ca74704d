import { join } from "node:path";

import { expect } from "chai";
import { randomBytes, hexlify } from "ethers";
import type { Wallet } from "ethers";

import { connectUptimeMeter } from "../../chain/uptime/connectUptimeMeter.ts";
import { endpointHashOf } from "../../chain/uptime/UptimeTerms.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { startEmbeddedPostgres } from "../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import type { EmbeddedPostgres } from "../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import { ProberProcess } from "../builders/ProberProcess.ts";
import { startSwitchableProxy } from "../builders/switchableProxy.ts";
import type { SwitchableProxy } from "../builders/switchableProxy.ts";
import { pause, until } from "../builders/towerNetwork.ts";
import { PENALTY_WEI, STAKE_WEI, UptimeNetwork } from "../builders/uptimeNetwork.ts";

const [PERIOD, COMMIT, REVEAL] = [4, 3, 6] as const;
const REVEALED_MOST = 10_001n;

/** Says that nothing was ever up, in every period that it is in time for. */
class Saboteur {
  readonly #network: UptimeNetwork;
  readonly #wallet: Wallet;
  readonly #panel: readonly string[];
  #isOn = true;
  #running: Promise<void> = Promise.resolve();

  constructor(network: UptimeNetwork, wallet: Wallet, panel: readonly string[]) {
    [this.#network, this.#wallet, this.#panel] = [network, wallet, panel];
  }

  start(key: string): void {
    this.#running = this.#run(key);
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#running;
  }

  async #run(key: string): Promise<void> {
    const meter = connectUptimeMeter(this.#network.meterAddress, this.#wallet);
    const begunAt = Number((await meter.engagementOf(key)).begunAt);
    const salts = new Map<number, string>();
    const revealed = new Set<number>();
    while (this.#isOn) {
      const now = Number((await this.#network.chain.provider.getBlock("latest"))!.timestamp);
      const period = Math.floor((now - begunAt) / PERIOD) - 1;
      if (period >= 0 && !salts.has(period) && now < begunAt + (period + 1) * PERIOD + COMMIT - 1) {
        salts.set(period, hexlify(randomBytes(32)));
        const commitment = await meter.commitmentOf(key, period, this.#wallet.address, 0, salts.get(period)!);
        await this.#network.send(meter.commit(key, [...this.#panel], period, commitment, { gasLimit: 300_000 }));
      }
      for (const [each, salt] of salts) {
        const from = begunAt + (each + 1) * PERIOD + COMMIT;
        if (revealed.has(each) || now < from || now >= from + REVEAL - 1) continue;
        revealed.add(each);
        await this.#network.send(meter.reveal(key, each, 0, salt, { gasLimit: 300_000 }));
      }
      await pause(200);
    }
  }
}

describe("uptime", function () {
  this.timeout(120_000);
  let network: UptimeNetwork;
  let endpoint: SwitchableProxy;
  let postgres: EmbeddedPostgres;
  let probers: ProberProcess[] = [];
  let saboteur: Saboteur | undefined;

  before(async () => {
    network = await UptimeNetwork.start();
    [endpoint, postgres] = await Promise.all([startSwitchableProxy(network.chain.url), startEmbeddedPostgres({ folder: join(network.dir, "postgres"), logger: createLogger({ service: "test", level: "error", output: process.stderr }) })]);
  });
  after(async () => {
    await saboteur?.stop();
    await Promise.all(probers.map((prober) => prober.stop()));
    await postgres.release();
    await endpoint.stop();
    await network.stop();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") for (const prober of probers) process.stderr.write(`${prober.output.slice(-3_000)}\n`);
  });

  it("probers: attest an outage as it was; a liar among them is slashed, and one that was killed between commit and reveal is not", async () => {
    const { meter, boardAddress } = network;
    const wallets: Wallet[] = [];
    for (const name of ["prober 1", "prober 2", "prober 3", "saboteur", "operator"]) wallets.push(await network.wallet(name));
    const [operator, liar] = [wallets.pop()!, wallets.pop()!];
    const panel = [...wallets, liar].map(({ address }) => address.toLowerCase()).sort();
    await network.send(connectUptimeMeter(network.meterAddress, liar).join({ value: STAKE_WEI }));
    const flags = ["--queue-url", postgres.url, "--endpoints", endpoint.url, "--sample-ms", "100", "--sample-timeout-ms", "100", "--tally-after-seconds", "1", "--stake-gwei", String(STAKE_WEI / 1_000_000_000n)];
    probers = wallets.map((wallet, index) => new ProberProcess(network, `prober ${index}`, wallet, flags));
    await Promise.all(probers.map((prober) => prober.start()));
    const stakeOf = async (address: string): Promise<bigint> => (await meter.stakeOf(address)).amountWei;
    await until("the probers stake", async () => (await Promise.all(wallets.map(({ address }) => stakeOf(address)))).every((stake) => stake === STAKE_WEI));

    const terms = { panel, endpointHash: endpointHashOf(endpoint.url), periodSeconds: PERIOD, commitSeconds: COMMIT, revealSeconds: REVEAL, quorum: 3, toleranceBps: 2_000, floorBps: 0, badPeriods: 1 };
    const key = await network.begin(7n, operator.address, terms);
    saboteur = new Saboteur(network, liar, panel);
    saboteur.start(key);
    const begunAt = Number((await meter.engagementOf(key)).begunAt);
    const medianOf = async (period: number): Promise<number | undefined> => {
      const { isTallied, hasQuorum, medianBps } = await meter.periodOf(key, period);
      return isTallied && hasQuorum ? Number(medianBps) : undefined;
    };
    const medians = async (): Promise<readonly (number | undefined)[]> => await Promise.all(Array.from({ length: 12 }, (_, period) => medianOf(period)));

    endpoint.isUp = false;
    await pause((PERIOD * 1_000) / 2);
    endpoint.isUp = true;

    // Between commit and reveal of the first period that it takes part in: gone, and back.
    const [victim] = probers;
    const wordOf = async (period: number): Promise<bigint> => BigInt(await meter.attestationOf(key, period, victim!.address));
    let killedIn = -1;
    await until("a prober commits", async () => {
      const now = Number((await network.chain.provider.getBlock("latest"))!.timestamp);
      killedIn = Math.floor((now - begunAt) / PERIOD) - 1;
      return killedIn >= 0 && (await wordOf(killedIn)) > REVEALED_MOST;
    });
    await victim!.kill();
    await victim!.start();
    await until("it reveals after all", async () => {
      const word = await wordOf(killedIn);
      return word > 0n && word <= REVEALED_MOST;
    });

    await until("a period that was up, and the one of the outage", async () => {
      const known = await medians();
      return known.some((median) => median !== undefined && median >= 9_500) && known.some((median) => median !== undefined && median < 9_000 && median > 500);
    });
    const sum = (await medians()).reduce<number>((total, median) => total + (median ?? 0), 0);
    expect(Number(await meter.unitsOf(boardAddress, 7n))).to.be.at.least(sum);
    expect(await Promise.all(wallets.map(({ address }) => stakeOf(address)))).to.deep.equal([STAKE_WEI, STAKE_WEI, STAKE_WEI]);
    expect((await stakeOf(liar.address)) <= STAKE_WEI - PENALTY_WEI).to.equal(true);
    expect(await meter.hasFailed(boardAddress, 7n)).to.equal(false);
  });
});
