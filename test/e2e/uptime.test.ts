import { join } from "node:path";

import { expect } from "chai";
import { hexlify, isError, randomBytes, ZeroAddress } from "ethers";
import type { ContractTransactionResponse, Wallet } from "ethers";

import { connectUptimeMeter } from "../../chain/uptime/connectUptimeMeter.ts";
import { uptimeRequestUri } from "../../chain/uptime/uptimeRequestUri.ts";
import { endpointHashOf } from "../../chain/uptime/UptimeTerms.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { startEmbeddedPostgres } from "../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import type { EmbeddedPostgres } from "../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import { ProberProcess } from "../builders/ProberProcess.ts";
import { startSwitchableProxy } from "../builders/switchableProxy.ts";
import type { SwitchableProxy } from "../builders/switchableProxy.ts";
import { pause, until } from "../builders/until.ts";
import { BOUNTY_ID, PENALTY_WEI, STAKE_WEI, UNIT_WEI, UptimeNetwork } from "../builders/uptimeNetwork.ts";

const [PERIOD, COMMIT, REVEAL] = [3, 3, 5] as const;
/** More than half of a period, so that it shows as well when it lies across two. */
const OUTAGE_MS = PERIOD * 600;
/** Up in between, for as long as two periods at least. */
const CALM_MS = PERIOD * 3_000;
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

  /** On a busy machine it may be too late for one period; then it lies in the next. */
  async #try(call: Promise<ContractTransactionResponse>): Promise<void> {
    try {
      await this.#network.send(call);
    } catch (error) {
      if (!isError(error, "CALL_EXCEPTION")) throw error;
    }
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
        await this.#try(meter.commit(key, [...this.#panel], period, commitment, { gasLimit: 300_000 }));
      }
      for (const [each, salt] of salts) {
        const from = begunAt + (each + 1) * PERIOD + COMMIT;
        if (revealed.has(each) || now < from || now >= from + REVEAL - 1) continue;
        revealed.add(each);
        await this.#try(meter.reveal(key, each, 0, salt, { gasLimit: 300_000 }));
      }
      await pause(200);
    }
  }
}

/** Takes an endpoint down and up again. More than once: on a busy machine nobody may be in time to attest the first outage. */
class Outages {
  readonly #endpoint: SwitchableProxy;
  readonly #controller = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(endpoint: SwitchableProxy) {
    this.#endpoint = endpoint;
  }

  start(): void {
    this.#running = this.#run(this.#controller.signal);
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [isUp, ms] of [[false, OUTAGE_MS], [true, CALM_MS]] as const) {
        this.#endpoint.isUp = isUp;
        await systemClock.sleep(ms, signal).catch(() => undefined); // stopped
      }
    }
    this.#endpoint.isUp = true;
  }
}

describe("uptime", function () {
  this.timeout(120_000);
  let network: UptimeNetwork;
  let endpoint: SwitchableProxy;
  let postgres: EmbeddedPostgres;
  let probers: ProberProcess[] = [];
  let saboteur: Saboteur | undefined;
  let outages: Outages | undefined;

  before(async () => {
    network = await UptimeNetwork.start();
    [endpoint, postgres] = await Promise.all([startSwitchableProxy(network.chain.url), startEmbeddedPostgres({ folder: join(network.dir, "postgres"), logger: createLogger({ service: "test", level: "error", output: process.stderr }) })]);
  });
  after(async () => {
    await Promise.all([saboteur?.stop(), outages?.stop()]);
    await Promise.all(probers.map((prober) => prober.stop()));
    await postgres.release();
    await endpoint.stop();
    await network.stop();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") for (const prober of probers) process.stderr.write(`${prober.output.slice(-3_000)}\n`);
  });

  it("a hired endpoint: is paid by what probers saw of it; a liar among them is slashed, one that was killed between commit and reveal is not", async () => {
    const { board, meter, validations } = network.contracts;
    const wallets = await network.wallets("prober 1", "prober 2", "prober 3", "saboteur", "operator");
    const [operator, liar] = [wallets.pop()!, wallets.pop()!];
    const panel = [...wallets, liar].map(({ address }) => address.toLowerCase()).sort();
    const stakeOf = async (address: string): Promise<bigint> => (await meter.stakeOf(address)).amountWei;
    const flags = ["--queue-url", postgres.url, "--endpoints", endpoint.url, "--sample-ms", "200", "--sample-timeout-ms", "1000", "--tally-after-seconds", "1", "--stake-gwei", String(STAKE_WEI / 1_000_000_000n), "--publish", "--peers", panel.slice(0, 3).join(",")];
    probers = wallets.map((wallet, index) => new ProberProcess(network, `prober ${index}`, wallet, flags));
    await Promise.all([...probers.map((prober) => prober.start()), network.send(connectUptimeMeter(network.meterAddress, liar).join({ value: STAKE_WEI }))]);
    await until("the probers stake", async () => (await Promise.all(wallets.map(({ address }) => stakeOf(address)))).every((stake) => stake === STAKE_WEI));

    const terms = { panel, endpointHash: endpointHashOf(endpoint.url), periodSeconds: PERIOD, commitSeconds: COMMIT, revealSeconds: REVEAL, quorum: 3, toleranceBps: 3_000, floorBps: 0, badPeriods: 1 };
    const key = await network.hire(operator, terms);
    saboteur = new Saboteur(network, liar, panel);
    saboteur.start(key);
    const begunAt = Number((await meter.engagementOf(key)).begunAt);
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
    outages = new Outages(endpoint);
    outages.start();
    await victim!.start();
    await until("it reveals after all", async () => {
      const word = await wordOf(killedIn);
      return word > 0n && word <= REVEALED_MOST;
    });

    const medians: number[] = [];
    const attested: number[] = [];
    await until("a period that was up, and the one of the outage", async () => {
      medians.length = 0;
      attested.length = 0;
      for (let period = 0; period < 20; period += 1) {
        const { isTallied, hasQuorum, medianBps } = await meter.periodOf(key, period);
        if (!isTallied || !hasQuorum) continue;
        medians.push(Number(medianBps));
        attested.push(period);
      }
      return medians.some((median) => median >= 9_000) && medians.some((median) => median < 8_000 && median > 500);
    });
    expect(await Promise.all(wallets.map(({ address }) => stakeOf(address)))).to.deep.equal([STAKE_WEI, STAKE_WEI, STAKE_WEI]);
    expect((await stakeOf(liar.address)) <= STAKE_WEI - PENALTY_WEI).to.equal(true);
    expect(await meter.hasFailed(network.boardAddress, BOUNTY_ID)).to.equal(false);

    // What is attested is paid, and told to the registry when the operator's agent asks. On a busy machine the period of the kill may be without a quorum.
    const published = attested.includes(killedIn) ? killedIn : attested[0]!;
    const salt = hexlify(randomBytes(32));
    const requestHash = await meter.requestHashOf(key, published, salt);
    await Promise.all([
      network.send(board.claimUnits(BOUNTY_ID)),
      network.send(validations.connect(operator).validationRequest(network.meterAddress, 0n, uptimeRequestUri({ key, period: published, salt }), requestHash)),
    ]);
    const paidUnits = (await board.bountyOf(BOUNTY_ID)).paidUnits;
    expect(paidUnits >= BigInt(medians.reduce((sum, median) => sum + median, 0))).to.equal(true);
    expect(await board.credit(ZeroAddress, operator.address)).to.equal(paidUnits * UNIT_WEI);
    await until("a prober publishes the period", async () => (await meter.periodOf(key, published)).isPublished);
    expect((await validations.getValidationStatus(requestHash)).response).to.equal((await meter.periodOf(key, published)).medianBps / 100n);
  });
});
